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
