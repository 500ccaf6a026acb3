// What the pages do beyond links and forms. Every action works without it. The files of this folder are one script,
// in the order that `assets.rs` gives.
"use strict";

// A calendar beside two date fields (or one): a range of days by mouse, touch or keyboard. The fields stay usable.
(() => {
  const MONTHS = new Intl.DateTimeFormat("en", { month: "long", year: "numeric", timeZone: "UTC" });
  const DAYS = new Intl.DateTimeFormat("en", { dateStyle: "full", timeZone: "UTC" });
  const WEEK = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"];
  const FULL = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

  const iso = (date) => date.toISOString().slice(0, 10);
  const parse = (text) => (text ? new Date(`${text}T00:00:00Z`) : null);
  const plus = (date, days) => new Date(date.getTime() + days * 86_400_000);
  const month = (date, by) => {
    const first = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + by, 1));
    const last = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate();
    first.setUTCDate(Math.min(date.getUTCDate(), last));
    return first;
  };

  function element(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  function icon(name) {
    const icons = document.querySelector("use").getAttribute("href").split("#")[0];
    const holder = document.createElement("span");
    holder.innerHTML = `<svg aria-hidden="true"><use href="${icons}#${name}"/></svg>`;
    return holder.firstChild;
  }

  globalThis.calendar = (place) => {
    const [from, to] = place.querySelectorAll('input[type="date"]');
    const last = parse(place.dataset.lastDay);
    const isRange = () => Boolean(to?.offsetParent);
    const opener = element("button", { type: "button", class: "button", "aria-expanded": "false" }, icon("calendar"));
    opener.append("Calendar");
    const panel = element("div", { class: "calendar", role: "dialog", "aria-label": "Choose days", hidden: "" });
    const holder = element("div", {}, opener, panel);
    place.append(holder);
    let focus;
    let begun = null;

    const set = (field, date) => {
      if (!field) return;
      field.value = date ? iso(date) : "";
    };
    const changed = () => {
      from.dispatchEvent(new Event("input", { bubbles: true }));
      from.dispatchEvent(new Event("change", { bubbles: true }));
    };

    const choose = (date) => {
      if (!isRange()) {
        set(from, date);
        return finish();
      }
      if (!begun) {
        begun = date;
        set(from, date);
        set(to, date);
        return move(date);
      }
      const [first, second] = begun <= date ? [begun, date] : [date, begun];
      set(from, first);
      set(to, second);
      finish();
    };
    const finish = () => {
      close();
      changed();
    };
    const close = () => {
      panel.hidden = true;
      begun = null;
      opener.setAttribute("aria-expanded", "false");
      opener.focus();
    };

    const draw = () => {
      const [first, second] = [parse(from.value), parse(isRange() ? to.value : from.value)];
      const back = element("button", { type: "button", class: "copy", "aria-label": "Month before" }, icon("left"));
      const on = element("button", { type: "button", class: "copy", "aria-label": "Month after" }, icon("right"));
      const turn = (button, by) => {
        move(month(focus, by), false);
        // The button is a new one, and the focus was on the old.
        panel.querySelector(`[aria-label="${button.getAttribute("aria-label")}"]`)?.focus();
      };
      back.addEventListener("click", () => turn(back, -1));
      on.addEventListener("click", () => turn(on, 1));
      const title = element("strong", { "aria-live": "polite" }, MONTHS.format(focus));
      const head = element("tr");
      WEEK.forEach((day, at) => head.append(element("th", { scope: "col", abbr: FULL[at] }, day)));
      const body = element("tbody");
      const one = new Date(Date.UTC(focus.getUTCFullYear(), focus.getUTCMonth(), 1));
      for (let day = plus(one, -((one.getUTCDay() + 6) % 7)); day.getTime() <= month(one, 1).getTime() - 1; ) {
        const row = element("tr");
        for (let at = 0; at < 7; at += 1, day = plus(day, 1)) row.append(cell(day, first, second));
        body.append(row);
      }
      const hint = element("p", { class: "hint" }, begun ? "Now choose the last day." : isRange() ? "Choose the first day." : "");
      panel.replaceChildren(element("div", { class: "row" }, back, title, on), element("table", {}, element("thead", {}, head), body), hint);
    };

    const cell = (day, first, second) => {
      const made = element("td");
      if (day.getUTCMonth() !== focus.getUTCMonth()) return made;
      const button = element("button", { type: "button", "aria-label": DAYS.format(day), "data-day": iso(day) }, String(day.getUTCDate()));
      button.tabIndex = iso(day) === iso(focus) ? 0 : -1;
      button.disabled = Boolean(last && day > last);
      const isEnd = [first, second].some((end) => end && iso(end) === iso(day));
      button.setAttribute("aria-pressed", String(isEnd));
      if (first && second && day >= first && day <= second) made.className = "within";
      button.addEventListener("click", () => choose(day));
      made.append(button);
      return made;
    };

    const move = (date, takesFocus = true) => {
      focus = last && date > last ? last : date;
      draw();
      if (takesFocus) panel.querySelector(`[data-day="${iso(focus)}"]`)?.focus();
    };

    opener.addEventListener("click", () => {
      if (!panel.hidden) return close();
      panel.hidden = false;
      opener.setAttribute("aria-expanded", "true");
      move(parse(from.value) ?? last ?? new Date());
    });
    panel.addEventListener("keydown", (event) => {
      const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 };
      const months = { PageUp: -1, PageDown: 1 };
      if (event.key === "Escape") {
        event.stopPropagation();
        close();
      } else if (event.key in steps) {
        event.preventDefault();
        move(plus(focus, steps[event.key]));
      } else if (event.key in months) {
        event.preventDefault();
        move(month(focus, months[event.key]));
      }
    });
    document.addEventListener("click", (event) => {
      if (!panel.hidden && !event.composedPath().includes(holder)) {
        panel.hidden = true;
        begun = null;
        opener.setAttribute("aria-expanded", "false");
      }
    });
  };
})();
