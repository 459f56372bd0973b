// A page opened from disk, or in a sandboxed frame, may not fetch others, so its search shows titles
// without excerpts.
if (location.protocol === "file:" || origin === "null") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

// A formula that is too wide is set smaller, as long as it can still be read (book.css uses --fit).
// A displayed equation that is still too wide can be scrolled; the theme would cut off one in a line
// of text.
const SMALLEST = 0.54;
const BLOCKS = "p, li, dd, dt, td, th, figcaption, h1, h2, h3, div";

function fitEquation(equation) {
  const line = equation.closest("span.math");
  const box = line ?? equation;
  box.style.setProperty("--fit", 1);
  const fit = line
    ? line.getBoundingClientRect().width / equation.firstElementChild.getBoundingClientRect().width
    : equation.clientWidth / equation.scrollWidth;
  if (fit < 0.999) box.style.setProperty("--fit", Math.max(SMALLEST, 0.99 * fit));
}

addEventListener("load", async () => {
  await window.MathJax?.startup?.promise;
  // Proofs and solutions have no width before they are opened.
  const sizes = new ResizeObserver((entries) => {
    for (const { target } of entries) target.querySelectorAll("mjx-container").forEach(fitEquation);
  });
  for (const formula of document.querySelectorAll(".math")) sizes.observe(formula.closest(BLOCKS));
});

// On a narrow screen the panels of a picture made by plotting.panels are stacked: the picture is cut
// where they meet. It is a whole number of panels wide and high, plus a margin.
const PANEL = { width: 630, height: 450, margin: 15 }; // pixels; plotting.PANEL at 150 dpi

function gridOf(picture) {
  const columns = (picture.naturalWidth - 2 * PANEL.margin) / PANEL.width;
  const rows = (picture.naturalHeight - 2 * PANEL.margin) / PANEL.height;
  const whole = (count) => count > 0.9 && Math.abs(count - Math.round(count)) * PANEL.width < 3;
  if (!whole(columns) || !whole(rows) || Math.round(columns) < 2) return null;
  return { columns: Math.round(columns), rows: Math.round(rows) };
}

function stackOf(picture, { columns, rows }) {
  const stack = document.createElement("div");
  stack.className = "stacked-panels";
  stack.setAttribute("aria-hidden", "true"); // the picture itself is there, with its text
  const [restX, restY] = [picture.naturalWidth - PANEL.width, picture.naturalHeight - PANEL.height];
  for (let index = 0; index < columns * rows; index += 1) {
    const left = PANEL.margin + (index % columns) * PANEL.width;
    const top = PANEL.margin + Math.floor(index / columns) * PANEL.height;
    const panel = document.createElement("div");
    panel.style.aspectRatio = `${PANEL.width} / ${PANEL.height}`;
    panel.style.backgroundImage = `url("${picture.src}")`;
    panel.style.backgroundSize = `${(100 * picture.naturalWidth) / PANEL.width}%`;
    panel.style.backgroundPosition = `${(100 * left) / restX}% ${(100 * top) / restY}%`;
    stack.append(panel);
  }
  return stack;
}

// Other pictures of several panels scroll sideways in their box (book.css), which the keyboard must
// reach if there is anything to scroll.
const SEVERAL_PANELS = 1150; // pixels; a single panel has fewer, as a rule

addEventListener("load", () => {
  const boxes = new ResizeObserver((entries) => {
    for (const { target } of entries) target.tabIndex = target.scrollWidth > target.clientWidth ? 0 : -1;
  });
  for (const picture of document.querySelectorAll("article img")) {
    const grid = gridOf(picture);
    if (grid) {
      picture.classList.add("of-panels");
      picture.after(stackOf(picture, grid));
    } else if (picture.naturalWidth > SEVERAL_PANELS) {
      const box = document.createElement("div");
      box.className = "wide-picture";
      picture.replaceWith(box);
      box.append(picture);
      boxes.observe(box);
    }
  }
});

// On paper nothing can be unfolded: proofs and other dropdowns are open while a page is printed.
// Folded code stays folded. Solutions are left to sphinx-togglebutton, which does the same.
let unfolded = [];

addEventListener("beforeprint", () => {
  unfolded = [...document.querySelectorAll("article details:not(.hide, [open])")];
  for (const dropdown of unfolded) dropdown.open = true;
});

addEventListener("afterprint", () => {
  for (const dropdown of unfolded) dropdown.open = false;
});

// A table that is wider than the window can be scrolled, by keyboard too.
addEventListener("load", () => {
  const sizes = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
    }
  });
  for (const box of document.querySelectorAll(".pst-scrollable-table-container")) sizes.observe(box);
});
