// What a start spends its time on: phases, then an icicle of imports or calls, widest where most time went.

const ROW = 22;
const TINTS = ['#8FB8DE', '#F2B880', '#A8D5A2', '#E3A6B5', '#C3B1E1', '#F0DC82', '#9AD4CC', '#D4B59E'];

function startupSection(starts) {
  return section('startup', 'Where a start spends its time', starts.map((start, index) => startOf(start, index)));
}

function startOf(start, index) {
  const parts = [el('h3', null, start.title)];
  if (start.phases.length) {
    const most = start.phases.reduce((sum, [, value]) => sum + value, 0) || 1;
    const look = phaseLook(start.phases.map(([name]) => name));
    parts.push(phaseBar(start.phases, most, look), secondScale(most), phaseLegend(look));
    parts.push(el('p', { class: 'faint' }, start.phases.map(([name, value]) => `${name} ${seconds(value)}`).join(' · ')));
  }
  if (start.nodes.length) {
    const icicle = new Icicle(start.nodes, index);
    parts.push(icicle.element(), dearest(start.nodes));
    icicles.push(icicle);
  }
  return el('div', { class: 'group' }, parts);
}

const icicles = [];

// The names with the most seconds of their own, wherever they stand.
function dearest(nodes) {
  const sums = new Map();
  for (const [name, own, total] of nodes) {
    const sum = sums.get(name) || { name, own: 0, total: 0, times: 0 };
    sums.set(name, { name, own: sum.own + own, total: Math.max(sum.total, total), times: sum.times + 1 });
  }
  const first = [...sums.values()].sort((a, b) => b.own - a.own).slice(0, 15);
  const columns = [{ title: 'Name' }, { title: 'Itself', number: true }, { title: 'With all below', number: true }];
  const rows = first.map((one) => el('tr', null, el('th', { scope: 'row' }, el('code', { class: 'path' }, one.name)),
    el('td', { class: 'number' }, seconds(one.own)), el('td', { class: 'number' }, seconds(one.total))));
  return el('details', { open: true }, el('summary', null, 'Dearest by themselves'), table('Dearest by themselves', columns, rows, 'figures'));
}

class Icicle {
  constructor(nodes, index) {
    this.nodes = nodes.map(([name, own, total, parent, owner]) => ({ name, own, total, parent, owner, inner: [], depth: 0 }));
    for (const node of this.nodes) {
      if (node.parent < 0) continue;
      node.parent = this.nodes[node.parent];
      node.depth = node.parent.depth + 1;
      node.parent.inner.push(node);
    }
    this.root = this.nodes[0];
    this.current = this.chosen = this.root;
    this.canvas = el('canvas', {
      class: 'icicle', tabindex: '0', role: 'application', 'aria-roledescription': 'icicle chart',
      'aria-label': `Seconds of ${this.root.name}`, 'aria-describedby': `icicle-hint-${index}`,
    });
    this.told = el('div', { class: 'told', 'aria-live': 'polite' });
    this.hint = el('p', { class: 'hint', id: `icicle-hint-${index}` }, 'Width is time. Click to look closer, arrows and Enter by keyboard, Escape goes back.');
    this.context = this.canvas.getContext('2d');
    this.places = [];
    this.canvas.addEventListener('click', (event) => this.click(event));
    this.canvas.addEventListener('pointermove', (event) => this.point(event));
    this.canvas.addEventListener('keydown', (event) => this.key(event));
    for (const name of ['focus', 'blur']) this.canvas.addEventListener(name, () => this.draw());
  }

  element() {
    return el('div', { class: 'icicle-box' }, this.canvas, this.told, this.hint);
  }

  // As deep as anything wide enough to be seen lies below the current node.
  draw(width) {
    const wide = width || this.canvas.getBoundingClientRect().width;
    if (!wide) return;
    this.palette = palette();
    this.width = wide;
    this.places = [];
    const above = [];
    for (let at = this.current.parent; at && at !== -1; at = at.parent) above.unshift(at);
    above.forEach((node, row) => this.places.push({ node, x: 0, width: wide, row, above: true }));
    this.lay(this.current, wide, above.length);
    const rows = this.places.reduce((most, place) => Math.max(most, place.row), 0) + 1;
    const dots = Math.min(2, width ? 2 : window.devicePixelRatio || 1);
    this.canvas.style.setProperty('height', `${rows * ROW}px`);
    this.canvas.width = Math.round(wide * dots);
    this.canvas.height = rows * ROW * dots;
    this.context.setTransform(dots, 0, 0, dots, 0, 0);
    for (const place of this.places) this.paint(place);
    if (document.activeElement === this.canvas) this.frame();
  }

  fits() {
    return Math.abs(this.canvas.getBoundingClientRect().width - this.width) < 1;
  }

  lay(root, wide, row) {
    const waiting = [{ node: root, x: 0, width: wide, row }];
    while (waiting.length) {
      const place = waiting.pop();
      this.places.push(place);
      const scale = place.node.total > 0 ? place.width / Math.max(place.node.total, sumOf(place.node.inner)) : 0;
      let x = place.x;
      for (const child of place.node.inner) {
        const width = child.total * scale;
        if (width >= 0.8) waiting.push({ node: child, x, width, row: place.row + 1 });
        x += width;
      }
    }
  }

  paint({ node, x, width, row, above }) {
    const context = this.context;
    context.globalAlpha = above ? 0.45 : 1;
    context.fillStyle = node.depth ? tintOf(node.owner || node.name) : this.palette.fill.rest;
    context.fillRect(x, row * ROW, Math.max(0.6, width - 0.8), ROW - 1);
    context.globalAlpha = 1;
    if (width > 34) {
      context.fillStyle = above ? this.palette.text : '#14181f';
      if (!node.depth && !above) context.fillStyle = this.palette.ink.rest;
      context.font = '12px system-ui, sans-serif';
      context.textBaseline = 'middle';
      context.direction = 'ltr';
      const both = `${node.name}  ${seconds(node.total)}`;
      const words = context.measureText(both).width <= width - 8 ? both : fitted(context, node.name, width - 8);
      context.fillText(words, x + 4, row * ROW + ROW / 2);
    }
  }

  frame() {
    const place = this.places.find((one) => one.node === this.chosen);
    if (!place) return;
    this.context.lineWidth = 2.5;
    this.context.strokeStyle = this.palette.focus;
    this.context.strokeRect(place.x + 1.5, place.row * ROW + 1.5, Math.max(1, place.width - 4), ROW - 4);
  }

  zoom(node) {
    this.current = this.chosen = node;
    this.draw();
    this.say(node);
  }

  say(node) {
    const of = node === this.root ? '' : `, ${share(node.total, this.root.total)} of ${this.root.name}`;
    const owner = node.owner && node.owner !== node.name ? ` (${node.owner})` : '';
    this.told.replaceChildren(el('strong', { class: 'path' }, node.name), owner, ` ${seconds(node.total)}${of}; itself ${seconds(node.own)}`);
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect();
    const x = event.clientX - box.left;
    const row = Math.floor((event.clientY - box.top) / ROW);
    return this.places.find((place) => place.row === row && x >= place.x && x < place.x + place.width);
  }

  point(event) {
    const place = this.at(event);
    if (place) this.say(place.node);
  }

  click(event) {
    const place = this.at(event);
    if (place) this.zoom(place.node);
  }

  key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const { chosen } = this;
    const shown = chosen.inner.filter((node) => this.places.some((place) => place.node === node));
    const beside = chosen === this.current || chosen.parent === -1 ? [] : chosen.parent.inner.filter((node) => this.places.some((place) => place.node === node));
    const next = {
      ArrowDown: shown.reduce((most, node) => (most && most.total >= node.total ? most : node), null),
      ArrowUp: chosen.parent === -1 ? null : chosen.parent,
      ArrowRight: beside[beside.indexOf(chosen) + 1],
      ArrowLeft: beside[beside.indexOf(chosen) - 1],
    }[event.key];
    if (next) {
      this.chosen = next;
      this.draw();
      this.say(next);
    } else if (event.key === 'Enter' || event.key === ' ') this.zoom(chosen);
    else if (event.key === 'Home') this.zoom(this.root);
    else if ((event.key === 'Escape' || event.key === 'Backspace') && this.current.parent !== -1) this.zoom(this.current.parent);
    else if (!event.key.startsWith('Arrow')) return;
    event.preventDefault();
  }
}

function sumOf(nodes) {
  return nodes.reduce((sum, node) => sum + node.total, 0);
}

// One tint for all of an owner or package: what stands before the first dot or slash.
function tintOf(name) {
  let sum = 0;
  for (const letter of name.split(/[./:]/, 1)[0]) sum = (sum * 31 + letter.codePointAt(0)) >>> 0;
  return TINTS[sum % TINTS.length];
}
