// Everything begins, on a page and on what is put into a dialog.
function begin(root) {
  root.querySelectorAll("form[data-estimate]").forEach(estimating);
  root.querySelectorAll("form[data-check]").forEach(checking);
  root.querySelectorAll("[data-find]").forEach(finding);
  root.querySelectorAll("[data-calendar]").forEach((place) => globalThis.calendar?.(place));
  root.querySelector("[role=alert][data-focus-here], [data-focus-here]")?.focus();
}

begin(document);
watch();
