// The image as a tree of bytes, split level by level when somebody looks: image, layer, owner, directories, file.
// A node holds the rows below it; only a file's node is a single row.

const KIND_FILE = 0;
const KIND_DIRECTORY = 1;
const KIND_WHITEOUT = 7;
const KIND_OPAQUE = 8;
const LIVE = 0;

class Forest {
  constructor(data) {
    const c = data.columns;
    Object.assign(this, { c, head: data.head, layers: data.head.analysis.layers, findings: data.head.analysis.findings });
    const folders = c.folder_parent.length;
    this.depth = new Uint16Array(folders);
    for (let i = 1; i < folders; i++) this.depth[i] = this.depth[c.folder_parent[i]] + 1;
    const rows = c.size.length;
    this.layer = new Uint16Array(rows);
    const starts = data.head.files.starts;
    for (let i = 0; i + 1 < starts.length; i++) this.layer.fill(i, starts[i], starts[i + 1]);
    this.files = filesAmong(c.kind);
    this.shares = Float64Array.from([0, ...data.head.files.shares]);
    this.done = null;
    if (data.head.done) {
      this.done = new Uint8Array(rows);
      this.why = new Uint32Array(rows);
      this.after = Float64Array.from(c.size);
      c.done_row.forEach((row, i) => {
        this.done[row] = c.done[i];
        this.why[row] = c.done_why[i];
        this.after[row] = c.done_after[i];
      });
    }
    this.paths = [''];
  }

  // The root of a tree of `rows`, split by `levels` first ('layer', 'system', 'owner'), then by directories.
  root(name, rows, levels) {
    return this.node('image', name, rows, null, { levels, place: 0, folder: 0 });
  }

  node(kind, name, rows, parent, more) {
    let bytes = 0;
    for (const row of rows) bytes += this.c.size[row];
    return { kind, name, rows, parent, bytes, files: rows.length, inner: null, ...more };
  }

  // Children with the most bytes first; null of a file.
  children(node) {
    if (node.kind === 'file') return null;
    if (!node.inner) node.inner = this.split(node).sort((a, b) => b.bytes - a.bytes);
    return node.inner;
  }

  split(node) {
    const level = node.levels[node.place];
    if (!level) return this.below(node);
    const keyed = { layer: this.layer, owner: this.c.owner, system: null }[level];
    const systems = this.c.owner_systems;
    const keyOf = keyed ? (row) => keyed[row] : (row) => systems[this.c.owner[row]];
    return grouped(node.rows, keyOf).map(([key, rows]) =>
      this.node(level, this.nameOf(level, key), rows, node, { key, levels: node.levels, place: node.place + 1, folder: 0 }),
    );
  }

  nameOf(level, key) {
    if (level === 'layer') return `layer ${key}`;
    if (level === 'owner') return this.c.owner_names[key];
    return key === 'application' ? 'application: no package owns it' : key;
  }

  // A directory's files and directories; one that holds nothing but a directory is one with it.
  below(node) {
    const { folder, name, size } = this.c;
    let from = node.folder;
    let prefix = '';
    for (;;) {
      const depth = this.depth[from];
      let last = -1;
      let above = -1;
      const keyOf = (row) => {
        if (folder[row] === from) return -1;
        if (folder[row] !== last) {
          last = folder[row];
          above = this.ancestor(last, depth + 1);
        }
        return above;
      };
      const groups = grouped(node.rows, keyOf);
      if (groups.length === 1 && groups[0][0] !== -1) {
        from = groups[0][0];
        prefix += `${this.nameOfFolder(from)}/`;
        continue;
      }
      const found = [];
      for (const [key, rows] of groups) {
        if (key !== -1) {
          found.push(this.directory(node, key, prefix, rows));
          continue;
        }
        for (const row of rows) {
          const rowName = prefix + this.c.names[name[row]];
          found.push({ kind: 'file', name: rowName, row, rows: [row], parent: node, bytes: size[row], files: 1, inner: null });
        }
      }
      return found;
    }
  }

  directory(parent, key, prefix, rows) {
    const made = this.node('directory', `${prefix}${this.nameOfFolder(key)}`, rows, parent, {
      levels: parent.levels,
      place: parent.place,
      folder: key,
    });
    return made;
  }

  ancestor(folder, depth) {
    while (this.depth[folder] > depth) folder = this.c.folder_parent[folder];
    return folder;
  }

  nameOfFolder(folder) {
    return this.c.names[this.c.folder_name[folder]];
  }

  pathOfFolder(folder) {
    const missing = [];
    let at = folder;
    while (this.paths[at] === undefined) {
      missing.push(at);
      at = this.c.folder_parent[at];
    }
    while (missing.length) {
      const next = missing.pop();
      this.paths[next] = `${this.paths[this.c.folder_parent[next]]}/${this.nameOfFolder(next)}`;
    }
    return this.paths[folder];
  }

  pathOf(row) {
    return `${this.pathOfFolder(this.c.folder[row])}/${this.c.names[this.c.name[row]]}`;
  }

  // Bytes of a row that could go, and the position of the finding that says so (-1: none does).
  going(row) {
    const finding = this.c.finding[row];
    return finding ? this.c.size[row] * this.shares[finding] : 0;
  }

  // Rows of files that a filter lets through: words in the path, a finding, only what a container sees.
  matching({ words, finding, live, could }) {
    const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
    const { finding: found, state, name, names, folder } = this.c;
    const lower = wanted.length ? new Map() : null;
    return this.files.filter((row) => {
      if (live && state[row] !== LIVE) return false;
      if (finding >= 0 && found[row] !== finding + 1) return false;
      if (could && !found[row]) return false;
      if (!lower) return true;
      let above = lower.get(folder[row]);
      if (above === undefined) lower.set(folder[row], (above = `${this.pathOfFolder(folder[row]).toLowerCase()}/`));
      const whole = above + names[name[row]].toLowerCase();
      return wanted.every((word) => whole.includes(word));
    });
  }
}

function isFile(kind) {
  return kind !== KIND_DIRECTORY && kind !== KIND_WHITEOUT && kind !== KIND_OPAQUE;
}

function filesAmong(kinds) {
  const found = new Uint32Array(kinds.length);
  let count = 0;
  for (let row = 0; row < kinds.length; row++) if (isFile(kinds[row])) found[count++] = row;
  return found.subarray(0, count);
}

// Rows by key, as [key, Uint32Array], in the order in which keys occur.
function grouped(rows, keyOf) {
  const places = new Map();
  const counts = [];
  const placeOf = new Uint32Array(rows.length);
  for (let i = 0; i < rows.length; i++) {
    const key = keyOf(rows[i]);
    let place = places.get(key);
    if (place === undefined) {
      place = counts.length;
      places.set(key, place);
      counts.push(0);
    }
    placeOf[i] = place;
    counts[place]++;
  }
  const groups = counts.map((count) => new Uint32Array(count));
  counts.fill(0);
  for (let i = 0; i < rows.length; i++) groups[placeOf[i]][counts[placeOf[i]]++] = rows[i];
  return [...places.keys()].map((key, place) => [key, groups[place]]);
}
