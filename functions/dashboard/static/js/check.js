// The check of a bucket: its steps come as lines of JSON, each as soon as it has ended.
const MARKS = { passed: ["check", "passed"], noted: ["info", "passed, with a note"], failed: ["cross", "failed"] };

function checking(form) {
  const list = form.querySelector("[data-check-steps]");
  const button = form.querySelector("button:not([type=button])");
  const steps = [...list.children];

  const mark = (step, state, icon, said) => {
    step.className = state;
    const use = step.querySelector("use");
    use.setAttribute("href", `${use.getAttribute("href").split("#")[0]}#${icon}`);
    step.querySelector("[data-said]").textContent = said ? `: ${said}` : "";
  };
  const tell = (step, name, text) => {
    const line = step.querySelector(`[data-${name}]`);
    line.textContent = text ?? "";
    line.hidden = !text;
  };
  const reset = () => {
    for (const step of steps) {
      mark(step, "waits", "clock", "");
      tell(step, "text");
      tell(step, "remedy");
    }
    for (const old of form.closest("[data-dialog-content]").querySelectorAll(".notice, .wrong")) old.remove();
    for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  };

  const take = (line) => {
    const report = JSON.parse(line);
    if ("saved" in report) return report;
    const at = steps.findIndex((step) => step.dataset.step === report.step);
    const [icon, said] = MARKS[report.outcome];
    mark(steps[at], report.outcome, icon, said);
    tell(steps[at], "text", report.note ?? report.wrong);
    tell(steps[at], "remedy", report.remedy);
    if (report.outcome !== "failed" && steps[at + 1]) mark(steps[at + 1], "works", "spin", "is being checked");
    return null;
  };

  const fail = (text) => {
    for (const step of steps) if (step.className === "works") mark(step, "waits", "clock", "");
    const notice = document.createElement("div");
    notice.className = "notice bad";
    notice.setAttribute("role", "alert");
    const line = document.createElement("p");
    line.textContent = text;
    notice.append(line);
    form.prepend(notice);
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.disabled) return;
    reset();
    button.disabled = true;
    let verdict = null;
    let hasBegun = false;
    try {
      const response = await fetch(form.action, {
        method: "POST",
        body: new FormData(form),
        headers: { Accept: "application/x-ndjson", "X-Csrf-Token": token() },
        credentials: "same-origin",
      });
      const kind = response.headers.get("content-type") ?? "";
      if (kind.startsWith("application/problem+json")) {
        fail((await response.json()).detail);
        return;
      }
      if (!kind.startsWith("application/x-ndjson")) {
        // The form itself is refused: the page that says so takes this one's place, but for the key.
        const page = new DOMParser().parseFromString(await response.text(), "text/html");
        refused(form, page, fail);
        return;
      }
      hasBegun = true;
      list.hidden = false;
      mark(steps[0], "works", "spin", "is being checked");
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let rest = "", end = false; !end; ) {
        const { value, done } = await reader.read();
        end = done;
        const lines = (rest + (value ?? "")).split("\n");
        rest = done ? "" : lines.pop();
        for (const line of lines.filter(Boolean)) verdict = take(line) ?? verdict;
      }
      if (verdict?.saved) {
        location.assign(verdict.next);
        return;
      }
      if (!verdict) await brokenOff(form, fail);
      else if (verdict.problem) fail(verdict.problem);
    } catch {
      if (hasBegun) await brokenOff(form, fail);
      else fail(unreachable);
    } finally {
      if (!verdict?.saved) button.disabled = false;
    }
  });

  // A key's file goes into the field, so that one can see what is sent.
  const file = form.querySelector("[data-into]");
  file?.addEventListener("change", async () => {
    if (!file.files[0]) return;
    form.elements[file.dataset.into].value = await file.files[0].text();
    file.value = "";
  });
}

// The check goes on where its answer breaks off: a new bucket may be there already. Of a new key one cannot tell.
async function brokenOff(form, fail) {
  const nickname = form.elements.nickname?.value.trim();
  try {
    const { page } = await load("/partners");
    if (nickname && [...page.querySelectorAll("[data-bucket]")].some((row) => row.dataset.bucket === nickname)) {
      location.assign("/partners");
      return;
    }
  } catch {
    // What is said below holds here too.
  }
  fail("The check broke off, and the bucket may have been saved all the same. Look at your buckets in a minute, before you try again.");
}

function refused(form, page, fail) {
  const summary = page.querySelector(".notice.bad, [data-dialog-content] h1 + p");
  const wrongs = [...page.querySelectorAll("form[data-check] .wrong")];
  for (const wrong of wrongs) {
    const name = wrong.id.replace(/-wrong-\d+$/, "");
    const field = form.elements[name];
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", `${wrong.id} ${name}-hint`);
    document.getElementById(`${name}-hint`).after(wrong);
  }
  if (wrongs.length > 0) form.querySelector("[aria-invalid]").focus();
  else fail(summary?.textContent.trim() || "Nothing was saved; try again.");
}
