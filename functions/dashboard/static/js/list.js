// Loading, telling, copying; the list of exports without reloads; live progress.
document.documentElement.classList.add("scripted");

const token = () => document.querySelector('input[name="csrf"]')?.value ?? "";

/** A page as a document; what its address became on the way. Asked for as pages, errors are pages too. */
async function load(href, options = {}) {
  const headers = { Accept: "text/html", ...options.headers };
  const response = await fetch(href, { credentials: "same-origin", ...options, headers });
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
  // The stream puts new results in the old ones' place, so they are looked up where they are needed.
  const results = () => document.getElementById("results");
  results().setAttribute("aria-busy", "true");
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
    // The filter's form stands outside of the results, and keeps their size.
    const size = page.querySelector(".filters input[name=size]");
    const form = document.querySelector(".filters form");
    if (size && form) {
      form.elements.size.value = size.value;
      form.querySelector("[data-reset]").href = page.querySelector(".filters [data-reset]").getAttribute("href");
    }
    results().replaceWith(fresh);
    if (push) history.pushState(null, "", href);
    shown = address();
    watch();
  } catch {
    results().removeAttribute("aria-busy");
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

// A jump within the page, as by the skip link, is no other page.
const address = () => location.pathname + location.search;
let shown = address();
addEventListener("popstate", () => {
  if (document.getElementById("results") && address() !== shown) location.reload();
});

// Live progress: the server sends a part of the page whenever it has changed.
let source;
function watch() {
  source?.close();
  const place = document.querySelector("[data-live]");
  if (!place?.dataset.live) return;
  source = new EventSource(place.dataset.live);
  source.addEventListener("part", (event) => {
    for (const fresh of [...new DOMParser().parseFromString(event.data, "text/html").body.children]) {
      const old = document.getElementById(fresh.id);
      if (!old || old.isEqualNode(fresh)) continue;
      // A focus inside stays where it was, as far as there is such a place.
      const at = old.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
      old.replaceWith(fresh);
      if (at) fresh.querySelector(`[href="${CSS.escape(at)}"]`)?.focus();
    }
    // The first files are there: the page has a list of them, and how to read them.
    const isBusy = document.querySelector("dialog[open]");
    if (!isBusy && document.querySelector("#files[data-awaits]") && document.querySelector("#runs .chosen[data-has-files]")) {
      source.close();
      location.reload();
    }
  });
  // The run has ended: the whole page tells more than its part.
  source.addEventListener("end", () => {
    source.close();
    if (place.id === "now") location.reload();
  });
}
addEventListener("pagehide", () => source?.close());
