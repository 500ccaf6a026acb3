// What the pages do beyond links and forms. Every action works without this file: it shows dialogs in place of
// pages, replaces parts of a page in place of the whole, and copies.
"use strict";

document.documentElement.classList.add("scripted");

const token = () => document.querySelector('input[name="csrf"]')?.value ?? "";

/** A page as a document; what its address became on the way. Errors are pages too. */
async function load(href, options = {}) {
  const response = await fetch(href, { credentials: "same-origin", ...options });
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  return { page, response };
}

/** Tells people, and screen readers, what happened. */
function say(text, kind = "bad") {
  const place = document.querySelector("[data-notices]");
  const notice = document.createElement("div");
  notice.className = `notice ${kind}`;
  const line = document.createElement("p");
  line.textContent = text;
  notice.append(line);
  place?.replaceChildren(notice);
}

const unreachable = "The server cannot be reached just now. Look at your connection, and try again.";

// Copying.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const label = button.getAttribute("aria-label");
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch {
    say("The browser does not let the page copy. Mark the text, and copy it by hand.");
    return;
  }
  button.classList.add("done");
  button.setAttribute("aria-label", "Copied");
  button.title = "Copied";
  setTimeout(() => {
    button.classList.remove("done");
    button.setAttribute("aria-label", label);
    button.title = label;
  }, 1500);
});

// Filters, pages and sizes of the list without a reload.
let asked = 0;
async function showResults(href, push) {
  const mine = ++asked;
  const results = document.getElementById("results");
  results.setAttribute("aria-busy", "true");
  try {
    const { page, response } = await load(href);
    if (mine !== asked) return;
    const fresh = page.getElementById("results");
    if (!fresh || response.redirected) return location.assign(href);
    for (const selector of [".filters .wrong", "#filter-count"]) {
      for (const old of document.querySelectorAll(selector)) old.remove();
    }
    for (const wrong of page.querySelectorAll(".filters .wrong")) {
      document.querySelector(".filters form")?.append(wrong);
    }
    const count = page.getElementById("filter-count");
    if (count) document.querySelector(".filters summary")?.append(" ", count);
    results.replaceWith(fresh);
    if (push) history.pushState(null, "", href);
    watch();
  } catch {
    results.removeAttribute("aria-busy");
    say(unreachable);
  }
}

function resultsHref(form) {
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (value) query.append(name, value);
  return `${form.getAttribute("action")}?${query}`;
}

document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (form?.matches("[data-autosend]")) showResults(resultsHref(form), true);
});

document.addEventListener("submit", (event) => {
  if (event.target.matches("form[data-results]")) {
    event.preventDefault();
    showResults(resultsHref(event.target), true);
  }
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-results-link]");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  if ("reset" in link.dataset) {
    for (const field of document.querySelectorAll(".filters :is(select, input[type=date])")) field.value = "";
  }
  showResults(link.getAttribute("href"), true).then(() => document.getElementById("main").focus());
});

addEventListener("popstate", () => {
  if (document.getElementById("results")) location.reload();
});

// Live progress: the server sends a part of the page whenever it has changed.
let source;
function watch() {
  source?.close();
  const place = document.querySelector("[data-live]");
  if (!place?.dataset.live) return;
  source = new EventSource(place.dataset.live);
  source.addEventListener("part", (event) => {
    const fresh = new DOMParser().parseFromString(event.data, "text/html").body.firstElementChild;
    const old = fresh && document.getElementById(fresh.id);
    if (!old) return;
    // A focus inside stays where it was, as far as there is such a place.
    const at = old.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    old.replaceWith(fresh);
    if (at) fresh.querySelector(`[href="${CSS.escape(at)}"]`)?.focus();
  });
  // The run has ended: the whole page tells more than its part.
  source.addEventListener("end", () => {
    source.close();
    if (place.id === "live") location.reload();
  });
}
addEventListener("pagehide", () => source?.close());

// Dialogs: the content of another page above this one.
document.addEventListener("click", async (event) => {
  const close = event.target.closest("dialog [data-close]");
  if (close) {
    event.preventDefault();
    close.closest("dialog").close();
    return;
  }
  const link = event.target.closest("a[data-dialog]");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  try {
    const { page, response } = await load(link.href);
    const content = page.querySelector("[data-dialog-content]");
    if (!content || response.redirected) return location.assign(link.href);
    openDialog(content, link.dataset.dialog === "side");
  } catch {
    say(unreachable);
  }
});

function openDialog(content, isSide) {
  const dialog = document.createElement("dialog");
  dialog.className = isSide ? "side" : "";
  const title = content.getAttribute("aria-labelledby");
  if (title) dialog.setAttribute("aria-labelledby", title);
  const close = document.createElement("button");
  close.type = "button";
  close.className = "copy close";
  close.setAttribute("aria-label", "Close");
  close.dataset.close = "";
  const icons = document.querySelector("use").getAttribute("href").split("#")[0];
  close.innerHTML = `<svg aria-hidden="true"><use href="${icons}#cross"/></svg>`;
  dialog.append(content, close);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  begin(dialog);
}

// The estimate, as one types.
function estimating(form) {
  const place = form.querySelector("[data-estimate-at]");
  let timer;
  let running;
  const ask = async () => {
    running?.abort();
    running = new AbortController();
    const estimate = place.firstElementChild;
    estimate.setAttribute("aria-busy", "true");
    try {
      const { page, response } = await load(form.dataset.estimate, {
        method: "POST",
        body: new URLSearchParams(new FormData(form)),
        headers: { "X-Csrf-Token": token(), "X-Part": "estimate" },
        signal: running.signal,
      });
      const fresh = page.getElementById("estimate");
      if (fresh) place.replaceChildren(fresh);
      else throw new Error(response.statusText);
    } catch (error) {
      if (error.name === "AbortError") return;
      estimate.removeAttribute("aria-busy");
      const line = document.createElement("p");
      line.className = "wrong";
      line.textContent = "There is no estimate just now. The export can be created all the same.";
      estimate.querySelector(".wrong")?.remove();
      estimate.append(line);
    }
  };
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, 300);
  });
  ask();
}

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
    try {
      const response = await fetch(form.action, {
        method: "POST",
        body: new FormData(form),
        headers: { Accept: "application/x-ndjson", "X-Csrf-Token": token() },
        credentials: "same-origin",
      });
      if (!response.headers.get("content-type")?.startsWith("application/x-ndjson")) {
        // The form itself is refused: the page that says so takes this one's place, but for the key.
        const page = new DOMParser().parseFromString(await response.text(), "text/html");
        refused(form, page, fail);
        return;
      }
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
      if (verdict?.problem || !verdict) fail(verdict?.problem ?? "The check broke off. Nothing was saved; try again.");
    } catch {
      fail(unreachable);
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

function refused(form, page, fail) {
  const summary = page.querySelector(".notice.bad, [data-dialog-content] h1 + p");
  const wrongs = [...page.querySelectorAll("form[data-check] .wrong")];
  for (const wrong of wrongs) {
    const name = wrong.id.replace(/-wrong-\d+$/, "");
    const field = form.elements[name];
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", `${wrong.id} ${name}-hint`);
    field.parentElement.append(wrong);
  }
  if (wrongs.length > 0) form.querySelector("[aria-invalid]").focus();
  else fail(summary?.textContent.trim() || "Nothing was saved; try again.");
}

// A long list of events, searched as one types.
function finding(field) {
  const list = document.getElementById(field.dataset.find);
  field.addEventListener("input", () => {
    const wanted = field.value.trim().toLowerCase();
    for (const entry of list.querySelectorAll("[data-name]")) {
      const isChosen = entry.querySelector("input").checked;
      entry.hidden = !(isChosen || entry.dataset.name.toLowerCase().includes(wanted));
    }
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault();
  });
}

function begin(root) {
  root.querySelectorAll("form[data-estimate]").forEach(estimating);
  root.querySelectorAll("form[data-check]").forEach(checking);
  root.querySelectorAll("[data-find]").forEach(finding);
  root.querySelectorAll("[data-calendar]").forEach((place) => globalThis.calendar?.(place));
  root.querySelector("[role=alert][data-focus-here], [data-focus-here]")?.focus();
}

begin(document);
watch();
