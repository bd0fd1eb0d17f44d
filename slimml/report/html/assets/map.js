// A treemap on a canvas: draws as deep as there are pixels, zooms by click and key, tells what lies under the pointer.

const HEAD = 17;
const LEAST = 3.5;
const DEEPEST = 24;
const MOST = 0.9;
const QUICK = 190;

class TreeMap {
  // `tell` has: zoomed(node), chosen(node or null), pointed(node or null, event)
  constructor(canvas, forest, tell) {
    Object.assign(this, { canvas, forest, tell, context: canvas.getContext('2d'), current: null, chosen: null, places: [] });
    this.pointed = null;
    canvas.addEventListener('pointermove', (event) => this.point(event));
    canvas.addEventListener('pointerleave', () => this.unpoint());
    canvas.addEventListener('click', (event) => this.click(event));
    canvas.addEventListener('keydown', (event) => this.key(event));
    canvas.addEventListener('focus', () => this.mark());
    canvas.addEventListener('blur', () => this.mark());
  }

  show(node, coloring) {
    const before = this.current;
    const old = before && before !== node && !matchMedia('(prefers-reduced-motion: reduce)').matches ? this.copy() : null;
    const inward = this.rectOf(node);
    this.coloring = coloring;
    this.current = node;
    this.chosen = null;
    this.draw();
    const rect = inward || this.rectOf(before);
    if (old && rect) this.glide(old, rect, Boolean(inward));
  }

  // Draws at the size that the canvas has on the page, or at `width` and `height`.
  draw(width, height) {
    if (!this.current) return;
    const box = this.canvas.getBoundingClientRect();
    this.width = width || box.width;
    this.height = height || box.height;
    const dots = Math.min(2, width ? 2 : window.devicePixelRatio || 1);
    this.canvas.width = Math.round(this.width * dots);
    this.canvas.height = Math.round(this.height * dots);
    this.dots = dots;
    this.palette = palette();
    this.places = [];
    const context = this.context;
    context.setTransform(dots, 0, 0, dots, 0, 0);
    context.font = '12px system-ui, sans-serif';
    context.textBaseline = 'middle';
    context.direction = 'ltr';
    context.fillStyle = this.palette.ground;
    context.fillRect(0, 0, this.width, this.height);
    if (this.current.bytes > 0) this.inside(this.current, 0, 0, this.width, this.height, 0, null);
    this.still = this.copy();
    this.gliding = this.pointed = null;
    this.mark();
  }

  fits() {
    const box = this.canvas.getBoundingClientRect();
    return Math.abs(box.width - this.width) < 1 && Math.abs(box.height - this.height) < 1;
  }

  copy() {
    const made = document.createElement('canvas');
    made.width = this.canvas.width;
    made.height = this.canvas.height;
    if (made.width && made.height) made.getContext('2d').drawImage(this.canvas, 0, 0);
    return made;
  }

  inside(node, x, y, width, height, depth, top) {
    if (node.kind === 'file') {
      this.tile(node, x, y, width, height, depth, top || node);
      return;
    }
    const nodes = depth ? this.through(node).nodes : this.forest.children(node);
    const rest = squarify(nodes, node.bytes, x, y, width, height, LEAST, (child, ...rect) => this.block(child, rect, depth, top));
    if (rest) this.remains(node, nodes.slice(rest.from), rest, depth, top);
  }

  // What is too small to be drawn by itself, in its colours.
  remains(node, nodes, { x, y, width, height }, depth, top) {
    const rows = nodes.flatMap((one) => Array.from(one.rows));
    const whole = { rows, bytes: nodes.reduce((sum, one) => sum + one.bytes, 0) };
    this.strips(whole, x, y, Math.max(0.6, width - 0.8), Math.max(0.6, height - 0.8));
    this.places.push({ x, y, width, height, node, top: top || null, depth, rest: nodes.length });
  }

  // A node whose bytes nearly all lie in one directory is drawn as that directory with what lies beside it: a ladder
  // of captions would leave no room for anything else.
  through(node) {
    if (node.through) return node.through;
    let nodes = this.forest.children(node);
    let beside = [];
    const names = [];
    while (nodes.length && nodes[0].kind === 'directory' && nodes[0].bytes >= MOST * node.bytes) {
      names.push(nodes[0].name);
      beside = beside.concat(nodes.slice(1));
      nodes = this.forest.children(nodes[0]);
    }
    if (beside.length) nodes = nodes.concat(beside).sort((a, b) => b.bytes - a.bytes);
    node.through = { nodes, names };
    return node.through;
  }

  // A node with what is in it where there is room for that, else its colours to scale.
  block(node, [x, y, width, height], depth, above) {
    const top = above || node;
    const open = node.kind !== 'file' && width > 26 && height > 20 && width * height > 900 && depth < DEEPEST;
    if (!open) {
      this.tile(node, x, y, width, height, depth, top);
      return;
    }
    this.places.push({ x, y, width, height, node, top, depth });
    const headed = width > 44 && height > HEAD + 16;
    const kind = depth === 0 ? 'head1' : depth === 1 ? 'head2' : 'head3';
    const edge = depth === 0 ? 2 : 1;
    const upper = headed ? HEAD : edge;
    this.context.fillStyle = this.palette.fill[kind];
    this.context.fillRect(x + 0.5, y + 0.5, width - 1, height - 1);
    if (depth === 0) {
      this.context.fillStyle = this.palette.fill.head3;
      this.context.fillRect(x + edge, y + upper, width - 2 * edge, height - upper - edge);
    }
    if (headed) this.label(node, x + 5, y + HEAD / 2 + 1, width - 10, kind, depth === 0);
    this.inside(node, x + edge + 0.5, y + upper, width - 2 * edge - 1, height - upper - edge - 0.5, depth + 1, top);
  }

  tile(node, x, y, width, height, depth, top) {
    const parts = mixOf(node, this.coloring);
    const gap = width > 5 && height > 5 ? 0.8 : 0.25;
    const wide = Math.max(0.5, width - gap);
    const high = Math.max(0.5, height - gap);
    this.strips(node, x, y, wide, high);
    this.places.push({ x, y, width, height, node, top, depth });
    if (parts.length && width > 34 && height > 15) this.words(node, x, y, width, height, parts[0][0]);
  }

  // A rectangle in the colours of its bytes, to scale from the top.
  strips(node, x, y, width, height) {
    let at = y;
    for (const [key, bytes] of mixOf(node, this.coloring)) {
      const tall = (height * bytes) / node.bytes;
      this.context.fillStyle = this.palette.fill[key];
      this.context.fillRect(x, at, width, tall);
      at += tall;
    }
  }

  words(node, x, y, width, height, kind) {
    const context = this.context;
    const middle = height > 34;
    const words = fitted(context, node.name, width - 8);
    if (!words) return;
    context.fillStyle = this.palette.ink[kind];
    context.fillText(words, x + 4, middle ? y + 11 : y + height / 2);
    if (middle && width > 48) {
      context.globalAlpha = 0.78;
      context.fillText(fitted(context, size(node.bytes), width - 8), x + 4, y + 26);
      context.globalAlpha = 1;
    }
  }

  label(node, x, y, room, kind, strong) {
    const context = this.context;
    context.fillStyle = this.palette.ink[kind];
    context.font = `${strong ? '600 ' : ''}12px system-ui, sans-serif`;
    const bytes = size(node.bytes);
    const wide = context.measureText(bytes).width;
    const both = room > wide + 60;
    const inner = node.kind === 'directory' ? this.through(node).names.map((one) => `${one}/`) : [];
    const name = fitted(context, nameOf(this.forest, node) + inner.join(''), both ? room - wide - 10 : room);
    context.fillText(name, x, y);
    if (both) {
      context.globalAlpha = 0.8;
      context.fillText(bytes, x + room - wide, y);
      context.globalAlpha = 1;
    }
    context.font = '12px system-ui, sans-serif';
  }

  // The frame around what is chosen by key, or lies under the pointer.
  mark() {
    if (!this.still || !this.still.width || !this.still.height) return;
    const context = this.context;
    context.drawImage(this.still, 0, 0, this.width, this.height);
    if (this.pointed) this.frame(this.pointed, this.palette.focus, 1.5);
    const chosen = this.chosen && document.activeElement === this.canvas && this.rectOf(this.chosen);
    if (chosen) this.frame(chosen, this.palette.focus, 3);
  }

  frame(rect, color, wide) {
    const context = this.context;
    context.lineWidth = wide + 2;
    context.strokeStyle = this.palette.paper;
    const inset = wide / 2;
    const box = [rect.x + inset, rect.y + inset, Math.max(0, rect.width - 2 * inset), Math.max(0, rect.height - 2 * inset)];
    context.strokeRect(...box);
    context.lineWidth = wide;
    context.strokeStyle = color;
    context.strokeRect(...box);
  }

  rectOf(node) {
    return this.places.find((place) => place.node === node && !place.rest);
  }

  // From the last picture to the new one: what was clicked grows to fill the map, or shrinks to its place.
  glide(old, rect, inward) {
    const fresh = this.still;
    const began = performance.now();
    const gliding = (this.gliding = {});
    const step = (now) => {
      if (this.gliding !== gliding) return;
      const t = Math.max(0, Math.min(1, (now - began) / QUICK));
      if (t < 1) {
        const ease = t * (2 - t);
        this.between(old, fresh, rect, inward ? ease : 1 - ease, inward);
        requestAnimationFrame(step);
      } else this.mark();
    };
    step(began);
  }

  between(old, fresh, rect, ease, inward) {
    const context = this.context;
    const x = rect.x * (1 - ease);
    const y = rect.y * (1 - ease);
    const width = rect.width + (this.width - rect.width) * ease;
    const height = rect.height + (this.height - rect.height) * ease;
    const [outer, inner] = inward ? [old, fresh] : [fresh, old];
    const across = width / rect.width;
    const down = height / rect.height;
    context.drawImage(outer, x - rect.x * across, y - rect.y * down, this.width * across, this.height * down);
    context.globalAlpha = ease;
    context.drawImage(inner, x, y, width, height);
    context.globalAlpha = 1;
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect();
    const x = event.clientX - box.left;
    const y = event.clientY - box.top;
    for (let i = this.places.length - 1; i >= 0; i--) {
      const place = this.places[i];
      if (x >= place.x && x < place.x + place.width && y >= place.y && y < place.y + place.height) return place;
    }
    return null;
  }

  point(event) {
    const place = event.pointerType === 'touch' ? null : this.at(event);
    if (place !== this.pointed) {
      this.pointed = place;
      this.mark();
    }
    this.tell.pointed(place, event);
  }

  unpoint() {
    this.pointed = null;
    this.mark();
    this.tell.pointed(null);
  }

  click(event) {
    const place = this.at(event);
    if (place && place.top) this.open(place.top);
  }

  open(node) {
    this.chosen = node;
    if (node.kind === 'file') {
      this.mark();
      this.tell.chosen(node);
    } else this.tell.zoomed(node);
  }

  key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (move) this.step(...move);
    else if ((event.key === 'Enter' || event.key === ' ') && this.chosen) this.open(this.chosen);
    else if ((event.key === 'Escape' || event.key === 'Backspace') && this.current.parent) this.tell.zoomed(this.current.parent);
    else if (event.key === 'Home') this.tell.zoomed(null);
    else return;
    event.preventDefault();
  }

  // To a neighbour in a direction; to the largest first of all.
  step(right, down) {
    const ours = this.places.filter((place) => place.node === place.top && !place.rest);
    const from = this.chosen && this.rectOf(this.chosen);
    const to = from ? nearest(ours, from, right, down) : ours[0];
    if (!to) return;
    this.chosen = to.node;
    this.mark();
    this.tell.chosen(to.node);
  }
}
