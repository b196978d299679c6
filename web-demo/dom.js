/** @file Builds and patches DOM nodes from data; markup is never parsed, so no name or message can become code. */

/** A new element: `on…` attributes become listeners, booleans become presence, the rest attributes; children are nodes or text. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat()) {
    if (child !== undefined && child !== null && child !== false) node.append(child);
  }
  return node;
}

const SVG = "http://www.w3.org/2000/svg";

/** A picture of `icons.svg` in the colour of the text around it; it says nothing to a screen reader. */
export function icon(name) {
  const node = document.createElementNS(SVG, "svg");
  node.setAttribute("class", "icon");
  node.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  node.append(use);
  setIcon(node, name);
  return node;
}

/** Shows another picture. */
export function setIcon(node, name) {
  setAttribute(node.firstElementChild, "href", `icons.svg#${name}`);
}

/** A button that submits nothing. */
export function button(label, attributes, onclick) {
  const node = el("button", { type: "button", class: "button", ...attributes }, label);
  node.addEventListener("click", (event) => {
    if (node.getAttribute("aria-disabled") !== "true") onclick(event);
  });
  return node;
}

/** Makes a button do nothing for now. It keeps the focus, and its description stays within reach of a screen reader. */
export function setDisabled(node, disabled) {
  setAttribute(node, "aria-disabled", disabled ? "true" : null);
}

/** The one element with this test id. */
export function hook(id, within = document) {
  const node = within.querySelector(`[data-testid="${id}"]`);
  if (!node) throw new Error(`the page has no element \`${id}\``);
  return node;
}

/** Writes text only where it differs, so that screen readers and selections are left alone. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Sets or removes an attribute, only where it differs. */
export function setAttribute(node, name, value) {
  if (value === undefined || value === null || value === false) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
    return;
  }
  const text = value === true ? "" : String(value);
  if (node.getAttribute(name) !== text) node.setAttribute(name, text);
}

/** Makes `list` hold one child for each item, keyed, in order; children that stay keep their focus and state. */
export function syncList(list, items, { key, create, update }) {
  const known = list.rows ?? (list.rows = new Map());
  const wanted = new Set(items.map(key));
  for (const [id, row] of known) {
    if (!wanted.has(id)) {
      row.node.remove();
      known.delete(id);
    }
  }
  let next = list.firstElementChild;
  for (const item of items) {
    let row = known.get(key(item));
    if (!row) {
      row = create(item);
      known.set(key(item), row);
    }
    update?.(row, item);
    if (row.node === next) next = next.nextElementSibling;
    else list.insertBefore(row.node, next);
  }
}

/** Fills a `<select>` with options, keeping the choice where it still exists. */
export function syncOptions(select, options) {
  const signature = JSON.stringify(options);
  if (select.dataset.signature === signature) return;
  select.dataset.signature = signature;
  const chosen = select.value;
  select.replaceChildren(...options.map(({ value, label }) => el("option", { value }, label)));
  if (options.some(({ value }) => value === chosen)) select.value = chosen;
}

/**
 * Runs `draw` once after any number of calls made in the same turn. A slow drawing is repeated less often,
 * so that a crowd changing all at once cannot freeze the page.
 */
export function coalesce(draw) {
  let waiting = false;
  let cost = 0;
  return () => {
    if (waiting) return;
    waiting = true;
    setTimeout(() => {
      waiting = false;
      const start = performance.now();
      draw();
      cost = performance.now() - start;
    }, cost > 5 ? Math.min(1_000, cost * 3) : 0);
  };
}
