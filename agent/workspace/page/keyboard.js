// Keys that work everywhere: Alt+Up and Alt+Down go through the channels, Escape closes what is open.

export function keyboard(app) {
  document.addEventListener("keydown", (event) => {
    if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      event.preventDefault();
      step(app, event.key === "ArrowDown" ? 1 : -1);
    } else if (
      event.key === "Escape" &&
      !event.defaultPrevented &&
      !document.querySelector("dialog[open], :popover-open")
    ) {
      if (app.frame.classList.contains("with-sidebar")) app.toggleSidebar(false);
      else if (app.place.thread) app.closeThread();
    }
  });
}

function step(app, by) {
  const rows = [...app.sidebar.node.querySelectorAll(".side-row")];
  const at = rows.findIndex((row) => row.hasAttribute("aria-current"));
  rows[(at + by + rows.length) % rows.length]?.click();
}
