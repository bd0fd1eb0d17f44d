// Elements made by hand: words become text nodes, never HTML.

function el(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key === 'class') made.className = value;
    else if (key === 'onclick' || key === 'oninput' || key === 'onchange') made[key] = value;
    else if (key === 'style') for (const [rule, is] of Object.entries(value)) made.style.setProperty(rule, is);
    else made.setAttribute(key, value === true ? '' : value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

const SVG = 'http://www.w3.org/2000/svg';

function svg(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
  made.append(...children.flat(Infinity).filter(Boolean));
  return made;
}

// A path may break after each slash, and its direction does not leak into what stands beside it.
function path(words) {
  const made = el('span', { class: 'path' });
  for (const piece of words.split(/(?<=\/)/)) made.append(piece, el('wbr'));
  return made;
}

function section(id, title, ...children) {
  return el('section', { id, 'aria-labelledby': `${id}-title` }, el('h2', { id: `${id}-title` }, title), children);
}

// A table that scrolls sideways by itself where the screen is narrow; `number` columns stand right.
function table(caption, columns, rows, kind) {
  const heads = columns.map((one) => el('th', { scope: 'col', class: one.number ? 'number' : null }, one.title));
  const body = el('tbody', null, rows);
  return scrolling(
    `Table: ${caption}`,
    el('table', { class: kind || null }, el('caption', { class: 'unseen' }, caption), el('thead', null, el('tr', null, heads)), body),
  );
}

// What scrolls can be reached by keyboard.
function scrolling(label, ...children) {
  return el('div', { class: 'scrolling', tabindex: '0', role: 'region', 'aria-label': label }, children);
}

const RISKS = {
  safe: 'safe to remove',
  likely: 'likely unused',
  ask: 'ask the owner',
};

function badge(risk) {
  return el('span', { class: `badge ${risk}`, title: RISKS[risk] || null }, risk);
}

// A bar in a cell: `parts` are [class, share of the whole bar from 0 to 1].
function meter(parts) {
  const made = el('span', { class: 'meter', 'aria-hidden': 'true' });
  for (const [kind, width] of parts) {
    if (width > 0) made.append(el('span', { class: kind, style: { width: `${(100 * Math.min(1, width)).toFixed(3)}%` } }));
  }
  return made;
}

// Rows, `step` at a time, with a button for more.
function growing(rows, step, make, into, words) {
  let there = 0;
  const more = el('button', { type: 'button', class: 'more' });
  const grow = () => {
    const next = rows.slice(there, there + step);
    into.append(...next.map((row, index) => make(row, there + index)));
    there += next.length;
    more.hidden = there >= rows.length;
    more.textContent = `Show ${number(Math.min(step, rows.length - there))} more of ${counted(rows.length - there, ...words)}`;
  };
  more.onclick = grow;
  grow();
  return more;
}
