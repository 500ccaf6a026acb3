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
