// A page opened from disk may not fetch others, so its search shows titles without excerpts.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

// On a narrow screen an equation that is too wide is set smaller, down to where it can still be
// read (book.css uses --fit); what is wider yet can be scrolled.
const SMALLEST = 0.54;

function fitEquation(equation) {
  equation.style.setProperty("--fit", 1);
  const fit = equation.clientWidth / equation.scrollWidth;
  if (fit < 1) equation.style.setProperty("--fit", Math.max(SMALLEST, 0.99 * fit));
}

addEventListener("load", async () => {
  await window.MathJax?.startup?.promise;
  // Proofs and solutions have no width before they are opened.
  const sizes = new ResizeObserver((entries) => {
    for (const { target } of entries) target.querySelectorAll("mjx-container").forEach(fitEquation);
  });
  for (const box of document.querySelectorAll("div.math")) sizes.observe(box);
});
