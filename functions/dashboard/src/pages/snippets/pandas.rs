//! Python lines that read the files into a data frame, `frame`.

use spillway::domain::Format;

use super::{Files, Part, quote};

const LABEL: &str = "Python lines that read the files with pandas";
const ABOUT: &str = "Python 3.9 or newer with pandas; reads the downloaded files into a data frame.";
const ABOUT_PARQUET: &str =
    "Python 3.9 or newer with pandas and pyarrow; reads the downloaded files into a data frame.";

impl Files<'_> {
    pub(super) fn pandas(&self) -> Vec<Part> {
        let about = if self.format == Format::Parquet { ABOUT_PARQUET } else { ABOUT };
        vec![Part::new(LABEL, about, format!("{}print(frame)\n", self.frame()))]
    }

    /// The lines that make the data frame.
    pub(super) fn frame(&self) -> String {
        let files = self.python_files();
        let body = match self.format {
            Format::Json => self.json_frame(),
            Format::Csv => self.csv_frame(),
            Format::Xml => format!(
                "{}\nframe = pd.DataFrame([record for name in files for record in records(name)])\n",
                self.xml_records()
            ),
            Format::Parquet => self.parquet_frame(),
        };
        let modules: &[&str] = match (self.format, self.is_gzip()) {
            (Format::Json, true) => &["gzip", "json"],
            (Format::Json, false) => &["json"],
            (Format::Xml, true) => &["gzip", "xml.etree.ElementTree as ElementTree"],
            (Format::Xml, false) => &["xml.etree.ElementTree as ElementTree"],
            (Format::Parquet, true) => &["gzip", "io"],
            (Format::Csv, _) | (Format::Parquet, false) => &[],
        };
        format!("{}import pandas as pd\n\nfiles = {files}\n\n{body}", self.imports(modules))
    }

    /// The imports of Python's own modules, with what [`Files::python_files`] needs, and a blank line below them.
    pub(super) fn imports(&self, modules: &[&str]) -> String {
        let mut modules = modules.to_vec();
        if self.whole_run {
            modules.insert(0, "glob");
        }
        let lines: String = modules.iter().map(|module| format!("import {module}\n")).collect();
        if lines.is_empty() { lines } else { format!("{lines}\n") }
    }

    /// The files as Python is told them: a list, or what makes one of a pattern.
    pub(super) fn python_files(&self) -> String {
        if self.whole_run {
            format!("sorted(glob.glob({}))", quote::python(&self.pattern_path()))
        } else {
            quote::list(&self.paths(), quote::python)
        }
    }

    fn open(&self) -> &'static str {
        if self.is_gzip() {
            "gzip.open(name, \"rt\", encoding=\"utf-8\", newline=\"\\n\")"
        } else {
            "open(name, encoding=\"utf-8\", newline=\"\\n\")"
        }
    }

    fn json_frame(&self) -> String {
        let skip = if self.has_header_line() {
            "        next(lines)  # The first line is the event's name.\n"
        } else {
            ""
        };
        let levels = if self.event_name.is_some() { 1 } else { 0 };
        format!(
            "\ndef records(name):\n    with {} as lines:\n{skip}        for line in lines:\n            yield json.loads(line)\n\n\n\
             frame = pd.json_normalize([record for name in files for record in records(name)], max_level={levels})\n",
            self.open()
        )
    }

    fn csv_frame(&self) -> String {
        let compression = if self.is_gzip() { "\"gzip\"" } else { "None" };
        let times = "frame[\"ts\"] = pd.to_datetime(frame[\"ts\"], format=\"%Y%m%d%H%M%S\")\n";
        let times = if self.event_name.is_some() { times } else { "" };
        format!(
            "# Every value stays the text that it is: nothing is guessed, and no number loses a digit.\n\
             tables = (\n    pd.read_csv(name, dtype=str, keep_default_na=False, encoding=\"utf-8\", compression={compression})\n    \
             for name in files\n)\nframe = pd.concat(tables, ignore_index=True)\n{times}"
        )
    }

    /// A generator of flat records of XML files.
    pub(super) fn xml_records(&self) -> String {
        let open = if self.is_gzip() { "gzip.open(name)" } else { "open(name, \"rb\")" };
        let tag = if self.event_name.is_some() { "Event" } else { "Profile" };
        format!(
            "\ndef flat(element, path=\"\"):\n    record = {{}}\n    for child in element:\n        if child.tag == \"entry\":\n            \
             record[path + child.findtext(\"key\")] = child.findtext(\"value\")\n        elif child.tag == \"all_identities\":\n            \
             record.setdefault(path + child.tag, []).append(child.text)\n        elif len(child):\n            \
             record.update(flat(child, f\"{{path}}{{child.tag}}.\"))\n        elif child.text is not None:\n            \
             record[path + child.tag] = child.text\n    return record\n\n\n\
             def records(name):\n    with {open} as file:\n        for _, element in ElementTree.iterparse(file):\n            \
             if element.tag == \"{tag}\":\n                yield flat(element)\n                element.clear()\n\n"
        )
    }

    fn parquet_frame(&self) -> String {
        if self.is_gzip() {
            "\ndef table(name):\n    with gzip.open(name) as file:  # gzip wraps the whole file.\n        \
             return pd.read_parquet(io.BytesIO(file.read()))\n\n\n\
             frame = pd.concat(map(table, files), ignore_index=True)\n"
                .to_owned()
        } else {
            "frame = pd.concat(map(pd.read_parquet, files), ignore_index=True)\n".to_owned()
        }
    }
}
