// The section that shows what is inside: the map, the way to where it stands, the same as a list, a filter.

const GROUPINGS = [
  { id: 'layer', title: 'layers, then owners', levels: ['layer', 'owner'] },
  { id: 'owner', title: 'owners', levels: ['system', 'owner'] },
  { id: 'folder', title: 'directories', levels: [] },
];
const LISTED = 40;

class Contents {
  constructor(forest, title) {
    this.forest = forest;
    this.title = title;
    this.colorings = colorings(forest);
    this.coloring = this.colorings[0];
    this.grouping = GROUPINGS[0];
    this.filter = { words: '', finding: -1, live: false, could: false };
    this.canvas = el('canvas', {
      class: 'map', tabindex: '0', role: 'application', 'aria-roledescription': 'treemap',
      'aria-label': 'Map of the image: areas are bytes', 'aria-describedby': 'map-hint',
    });
    this.crumbs = el('ol', { class: 'crumbs' });
    this.list = el('div', { class: 'list' });
    this.told = el('div', { class: 'told', 'aria-live': 'polite' });
    this.legend = el('ul', { class: 'legend', 'aria-label': 'Colours' });
    this.tip = el('div', { class: 'tip', 'aria-hidden': 'true', hidden: true });
    this.count = el('output', { class: 'count', for: 'filter-words' });
    this.only = el('span', { class: 'chips' });
    this.map = new TreeMap(this.canvas, forest, {
      zoomed: (node) => this.zoom(node || this.root),
      chosen: (node) => this.say(node),
      pointed: (place, event) => this.point(place, event),
    });
  }

  element() {
    return section('contents', 'What is inside', this.controls(),
      el('nav', { class: 'way', 'aria-label': 'Where the map stands' }, this.crumbs),
      el('div', { class: 'split' }, el('div', { class: 'stage' }, this.canvas, this.legend, this.hint()),
        el('div', { class: 'aside' }, this.told, this.list)), this.tip);
  }

  hint() {
    return el('p', { class: 'hint', id: 'map-hint' },
      'Click to look closer. By keyboard: arrows choose, Enter looks closer, Escape goes back, Home shows everything. ',
      'The list beside the map says the same in words.');
  }

  controls() {
    const choose = (label, options, chosen, change) => {
      const made = el('select', null, options.map((one) => el('option', { value: one.id, selected: one === chosen }, one.title)));
      made.onchange = () => change(options.find((one) => one.id === made.value));
      return el('label', null, el('span', null, label), made);
    };
    let waiting = 0;
    const words = (this.words = el('input', { type: 'search', id: 'filter-words', placeholder: 'torch .so', autocomplete: 'off', spellcheck: 'false' }));
    words.oninput = () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => this.refilter({ words: words.value }), 160);
    };
    const flag = (name, label) => {
      const box = el('input', { type: 'checkbox' });
      box.onchange = () => this.refilter({ [name]: box.checked });
      return el('label', { class: 'flag' }, box, el('span', null, label));
    };
    return el('div', { class: 'controls' },
      choose('Grouped by', GROUPINGS, this.grouping, (one) => this.regroup(one)),
      choose('Colours say', this.colorings, this.coloring, (one) => this.recolor(one)),
      el('label', { class: 'search' }, el('span', null, 'Only paths with'), words),
      flag('could', 'only what could go'), flag('live', 'only what a container sees'), this.only, this.count);
  }

  // Builds the tree anew from what the filter lets through.
  begin() {
    const { filter, forest } = this;
    const free = !filter.words.trim() && filter.finding < 0 && !filter.live && !filter.could;
    const rows = free ? forest.files : forest.matching(filter);
    this.root = forest.root(this.title, rows, this.grouping.levels);
    this.count.textContent = free ? '' : `${counted(rows.length, 'file')}, ${size(this.root.bytes)}`;
    this.zoom(this.root);
  }

  refilter(change) {
    Object.assign(this.filter, change);
    const { finding } = this.filter;
    this.only.replaceChildren();
    if (finding >= 0) {
      const clear = el('button', { type: 'button', class: 'chip', onclick: () => this.refilter({ finding: -1 }) },
        `only: ${this.forest.findings[finding].title}`, el('span', { 'aria-hidden': 'true' }, ' ✕'), el('span', { class: 'unseen' }, ' (show all)'));
      this.only.append(clear);
    }
    this.begin();
  }

  regroup(grouping) {
    this.grouping = grouping;
    this.begin();
  }

  recolor(coloring) {
    this.coloring = coloring;
    this.zoom(this.map.current);
  }

  // From elsewhere on the page: a layer, or the files of a finding.
  reveal(change, layer) {
    if (layer !== undefined) this.grouping = GROUPINGS[0];
    this.words.value = '';
    for (const box of document.querySelectorAll('#contents .flag input')) box.checked = false;
    const grouping = document.querySelector('#contents select');
    grouping.value = this.grouping.id;
    this.refilter({ words: '', finding: -1, live: false, could: false, ...change });
    if (layer !== undefined) {
      const node = this.forest.children(this.root).find((one) => one.key === layer);
      if (node) this.zoom(node);
    }
    document.getElementById('contents').scrollIntoView();
    this.canvas.focus({ preventScroll: true });
  }

  zoom(node) {
    this.map.show(node, this.coloring);
    this.showWay(node);
    this.showList(node);
    this.showLegend(node);
    this.say(node);
    this.tip.hidden = true;
  }

  showWay(node) {
    const way = [];
    for (let at = node; at; at = at.parent) way.unshift(at);
    this.crumbs.replaceChildren(...way.map((one) => {
      const words = one.kind === 'layer' ? one.name : nameOf(this.forest, one);
      if (one === node) return el('li', { 'aria-current': 'location' }, el('span', { class: 'path' }, words));
      return el('li', null, el('button', { type: 'button', class: 'path', onclick: () => this.zoom(one) }, words));
    }));
  }

  showLegend(node) {
    const parts = mixOf(node, this.coloring);
    this.legend.replaceChildren(...parts.map(([key, bytes]) =>
      el('li', null, el('span', { class: `swatch fill-${key}`, 'aria-hidden': 'true' }),
        `${this.coloring.legend[key]} `, el('span', { class: 'faint' }, size(bytes)))));
  }

  showList(node) {
    const children = this.forest.children(node) || [];
    const items = el('ol');
    const most = children.length ? children[0].bytes : 0;
    const make = (child) => {
      const bar = meter(mixOf(child, this.coloring).map(([key, bytes]) => [`fill-${key}`, bytes / most]));
      const button = el('button', { type: 'button', onclick: () => this.choose(child) },
        el('span', { class: 'line' }, el('span', { class: 'path name' }, nameOf(this.forest, child)), el('span', { class: 'bytes' }, size(child.bytes))), bar);
      return el('li', null, button);
    };
    const more = growing(children, LISTED, make, items, ['part']);
    this.list.replaceChildren(items, more);
    if (!children.length) this.list.replaceChildren(el('p', { class: 'remark' }, 'No file matches.'));
    this.list.scrollTop = 0;
  }

  choose(node) {
    if (node.kind !== 'file') this.zoom(node);
    else {
      this.map.chosen = node;
      this.say(node);
    }
  }

  // In words: what is chosen, how heavy it is, whose, and what could become of it.
  say(node) {
    this.told.replaceChildren(...this.lines(node));
  }

  lines(node) {
    const { forest } = this;
    const { c } = forest;
    const image = this.forest.head.analysis.image.disk_bytes;
    const lines = [];
    const told = (term, ...words) => lines.push(el('div', null, el('dt', null, term), el('dd', null, words)));
    const title = el('p', { class: 'title' }, path(node.kind === 'file' ? forest.pathOf(node.row) : nameOf(forest, node)));
    told('on disk', size(node.bytes), node.bytes < image ? `, ${share(node.bytes, image)} of the image` : null);
    let compressed = 0;
    let going = 0;
    let gone = 0;
    for (const row of node.rows) {
      compressed += c.compressed[row];
      going += forest.going(row);
      if (forest.done) gone += c.size[row] - forest.after[row];
    }
    told('compressed', `${this.forest.head.analysis.image.compressed_estimated ? 'about ' : ''}${size(compressed)}`);
    if (node.kind === 'file') this.lineOfFile(node.row, told);
    else told('files', number(node.files));
    if (gone) told('went', `${size(gone)}, ${share(gone, node.bytes)}`);
    else if (going && node.kind !== 'file') told('could go', `${size(going)}, ${share(going, node.bytes)}`);
    return [title, el('dl', null, lines)];
  }

  lineOfFile(row, told) {
    const { c, layers, findings, head, done } = this.forest;
    const owner = c.owner[row];
    const system = c.owner_systems[owner];
    told('owner', system === 'application' ? 'application' : `${system}: ${c.owner_names[owner]} ${c.owner_versions[owner]}`);
    told('layer', `${this.forest.layer[row]}: `, el('code', null, commandOf(layers[this.forest.layer[row]]).slice(0, 160)));
    told('kind', head.files.forms[c.form[row]] || 'no content');
    if (c.state[row] !== LIVE) told('hidden', `no container sees it: layer ${c.by[row] - 1} ${c.state[row] === 1 ? 'replaced' : 'deleted'} it`);
    const finding = c.finding[row] && findings[c.finding[row] - 1];
    if (finding) told('could go', badge(finding.risk), ` ${finding.title}`);
    if (done && done[row]) told('done', `${DONE_COLORS[done[row]]}: ${head.done.reasons[this.forest.why[row]].reason}`);
  }

  point(place, event) {
    this.tip.hidden = !place;
    if (!place) return;
    const { node, rest } = place;
    const title = rest ? `${counted(rest, 'smaller part')} of ${node.name}` : node.kind === 'file' ? this.forest.pathOf(node.row) : nameOf(this.forest, node);
    const parts = rest ? [] : mixOf(node, this.coloring).map(([key, bytes]) => `${this.coloring.legend[key]} ${size(bytes)}`);
    const facts = rest ? '' : `${size(node.bytes)}${node.kind === 'file' ? '' : `, ${counted(node.files, 'file')}`}`;
    this.tip.replaceChildren(el('div', { class: 'path' }, title.slice(0, 300)), el('div', { class: 'faint' }, [facts, ...parts].filter(Boolean).join(' · ')));
    const width = Math.min(360, document.documentElement.clientWidth - 24);
    this.tip.style.setProperty('left', `${Math.max(8, Math.min(event.pageX + 14, window.scrollX + document.documentElement.clientWidth - width - 12))}px`);
    this.tip.style.setProperty('top', `${event.pageY + 18}px`);
  }
}
