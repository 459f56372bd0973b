// Replaces keys that JupyterLab cannot resolve with words: the numbers that the book gives to
// theorems, equations and figures, and authors with years. Links between chapters open them.
// JupyterLab loads this as it is: a container with one module, whose default export is a plugin.
(() => {
  const here = document.currentScript.src;
  const UNRESOLVED = 'span[title="Cross Reference Not Found"], span[title="Citation Not Found"]';
  const NUMBERED = /^(\p{L}+\s)?\(?\d+\)?$/u; // within a chapter JupyterLab counts from 1

  function textOf(words, element, key) {
    if (key in words.labels) return words.labels[key][0];
    if (!(key in words.citations)) return null;
    const [author, year] = words.citations[key];
    const group = element.closest(".cite-group");
    if (group?.classList.contains("narrative")) return `${author} (${year})`;
    return group ? `${author}, ${year}` : `(${author}, ${year})`;
  }

  function resolve(words, element) {
    const text = textOf(words, element, element.textContent);
    if (text === null) return;
    const path = words.labels[element.textContent]?.[1];
    element.lastChild.nodeValue = text;
    element.querySelector("svg")?.remove();
    element.removeAttribute("class");
    if (path) {
      element.title = `in ${path}`;
      element.dataset.opens = path;
      element.className = "hover-link";
      element.style.cssText = "cursor: pointer; color: var(--jp-content-link-color)";
      element.tabIndex = 0;
      element.setAttribute("role", "link");
    } else {
      element.removeAttribute("title");
    }
  }

  function renumber(words, link) {
    const [text] = words.labels[link.getAttribute("href").slice(1)] ?? [];
    // The book numbers only equations with a label, and one with a tag shows it already.
    const ofEquation = link.ariaLabel === "Link to this Equation";
    if (ofEquation) link.hidden = !text || link.closest(".group").querySelector(".tag") !== null;
    if (text && NUMBERED.test(link.textContent.trim())) link.textContent = text;
  }

  function mend(words) {
    document.querySelectorAll(UNRESOLVED).forEach((element) => resolve(words, element));
    document.querySelectorAll('.myst a[href^="#"]').forEach((link) => renumber(words, link));
  }

  // The page of the book that an element leads to, or undefined.
  function destination(words, target) {
    const element = target.closest("[data-opens]");
    if (element) return element.dataset.opens;
    const link = target.closest(".myst a[href]");
    const address = link && new URL(link.href, location.href);
    if (!address || address.origin !== location.origin || !/\/files\//.test(address.pathname)) return;
    return words.pages[address.pathname.split("/").pop().replace(/\.(ipynb|md)$/, "")];
  }

  async function activate(app) {
    const words = await (await fetch(new URL("words.json", here))).json();
    const open = (event) => {
      const path = destination(words, event.target);
      if (!path || (event.type === "keydown" && event.key !== "Enter")) return;
      event.preventDefault();
      event.stopPropagation();
      // Chapters lie side by side; the open one says in which folder.
      const current = app.shell.currentWidget?.context?.path ?? "";
      const folder = current.split("/").slice(0, -1).join("/");
      const file = path.split("/").slice(1).join("/");
      app.commands.execute("docmanager:open", { path: folder ? `${folder}/${file}` : file });
    };
    document.addEventListener("click", open, true);
    document.addEventListener("keydown", open, true);
    new MutationObserver(() => mend(words)).observe(document.body, { childList: true, subtree: true });
    mend(words);
  }

  const plugin = { id: "book-words:plugin", autoStart: true, activate };
  window._JUPYTERLAB = window._JUPYTERLAB ?? {};
  window._JUPYTERLAB["book-words"] = {
    init: () => undefined,
    get: async () => () => ({ __esModule: true, default: plugin }),
  };
})();
