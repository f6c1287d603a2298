// Renders blocks anew without disturbing who reads or types: focus, cursor, unfolded parts and scrolled tables
// stay as they were.

/** @param {HTMLElement} node @param {() => void} change puts new content into `node` */
export function keeping(node, change) {
  const focused = node.contains(document.activeElement) ? document.activeElement : null;
  const mark = focused?.closest("[data-focus]")?.dataset.focus ?? null;
  const cursor = focused && "selectionStart" in focused ? safeCursor(focused) : null;
  const opened = new Map(
    [...node.querySelectorAll("details[data-keep][data-touched]")].map((each) => [each.dataset.keep, each.open]),
  );
  const scrolled = [...node.querySelectorAll(".table-frame, .carousel")].map((each) => each.scrollLeft);
  change();
  for (const each of node.querySelectorAll("details[data-keep]")) watch(each, opened);
  for (const [at, each] of [...node.querySelectorAll(".table-frame, .carousel")].entries())
    each.scrollLeft = scrolled[at] ?? 0;
  if (mark === null) return;
  const again = [...node.querySelectorAll("[data-focus]")].find((each) => each.dataset.focus === mark);
  again?.focus({ preventScroll: true });
  if (again && cursor) again.setSelectionRange?.(...cursor);
}

/** A part that a person folded or unfolded keeps to it; others follow their state. */
function watch(details, opened) {
  if (opened.has(details.dataset.keep)) {
    details.open = opened.get(details.dataset.keep);
    details.dataset.touched = "true";
  }
  details.querySelector("summary")?.addEventListener("click", () => (details.dataset.touched = "true"));
}

function safeCursor(field) {
  try {
    return field.selectionStart === null ? null : [field.selectionStart, field.selectionEnd];
  } catch {
    return null; // number and date fields have no cursor to ask for
  }
}
