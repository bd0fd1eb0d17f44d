// Colours of the map, read from the style sheet, and what each says.

const SYSTEM_COLORS = {
  dpkg: 'system',
  apk: 'system',
  rpm: 'system',
  python: 'python',
  conda: 'conda',
  npm: 'npm',
  application: 'application',
};

const FORM_COLORS = [
  ['native', 'native code', /^(elf|static-library)/],
  ['model', 'models and weights', /^(model|pickle|hdf5|array)/],
  ['bytecode', 'Python bytecode', /^bytecode$/],
  ['source', 'Python and scripts', /^(python|script|notebook)$/],
  ['text', 'text, headers, JSON', /^(text|json|header|c-source|document|locale)$/],
  ['archive', 'archives and packages', /^(zip|compressed|tar|package|sqlite|data-table)$/],
  ['other', 'everything else', /./],
];

const DONE_COLORS = [null, 'dropped', 'linked', 'edited', 'replaced'];

// The ways to colour the map: each gives the parts of a row's bytes by colour, and words for its legend.
function colorings(forest) {
  const { c, findings } = forest;
  const stays = c.owner_systems.map((system) => SYSTEM_COLORS[system] || 'unknown');
  const forms = forest.head.files.forms.map((form) => FORM_COLORS.find(([, , like]) => like.test(form || '?'))[0]);
  const systems = {
    system: 'system packages',
    python: 'Python packages',
    conda: 'conda packages',
    npm: 'npm packages',
    application: 'application',
    unknown: 'unknown owner',
  };
  const found = [];
  if (forest.done) {
    found.push({
      id: 'done',
      title: 'what was done',
      legend: { dropped: 'removed', replaced: 'made smaller', linked: 'linked to an identical file', edited: 'edited', ...systems },
      parts(row, add) {
        const gone = Math.max(0, c.size[row] - forest.after[row]);
        if (gone) add(DONE_COLORS[forest.done[row]], gone);
        if (gone < c.size[row]) add(stays[c.owner[row]], c.size[row] - gone);
      },
    });
  }
  found.push({
    id: 'could',
    title: 'what could go',
    legend: { safe: 'could go: safe', likely: 'could go: likely unused', ask: 'could go: ask the owner', ...systems },
    parts(row, add) {
      const finding = c.finding[row];
      const going = forest.going(row);
      if (finding) add(findings[finding - 1].risk, going);
      if (going < c.size[row]) add(stays[c.owner[row]], c.size[row] - going);
    },
  });
  found.push({
    id: 'form',
    title: 'what it is',
    legend: Object.fromEntries(FORM_COLORS.map(([key, words]) => [key, words])),
    parts: (row, add) => add(forms[c.form[row]], c.size[row]),
  });
  return found;
}

// Bytes of a node by colour, most first within the legend's order, kept for as long as the colouring stays.
function mixOf(node, coloring) {
  if (node.mix && node.mix.coloring === coloring) return node.mix.parts;
  const sums = new Map(Object.keys(coloring.legend).map((key) => [key, 0]));
  const add = (key, bytes) => sums.set(key, sums.get(key) + bytes);
  for (const row of node.rows) coloring.parts(row, add);
  const parts = [...sums].filter(([, bytes]) => bytes > 0);
  node.mix = { coloring, parts };
  return parts;
}

// The colours that hold now, light or dark, and for each the ink that can be read on it.
function palette() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(name).trim();
  const found = { ink: {}, fill: {} };
  const keys = ['system', 'python', 'conda', 'npm', 'application', 'unknown', 'safe', 'likely', 'ask', 'dropped', 'linked', 'edited', 'replaced'];
  for (const key of [...keys, ...FORM_COLORS.map(([form]) => form), 'head1', 'head2', 'head3', 'rest']) {
    found.fill[key] = read(`--map-${key}`);
    found.ink[key] = bright(found.fill[key]) ? '#14181f' : '#ffffff';
  }
  found.ground = read('--map-ground');
  found.focus = read('--focus');
  found.paper = read('--paper');
  found.text = read('--ink');
  found.faint = read('--faint');
  found.line = read('--line');
  return found;
}

// Relative luminance (WCAG 2.2) above that at which black and white are read equally well.
function bright(hex) {
  const parts = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255);
  const [r, g, b] = parts.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179;
}

// A name cut to the room that there is; nothing where a few letters would be left of it.
function fitted(context, words, room) {
  if (room < 14) return '';
  // No line of a map is longer: hostile names are not measured to their end.
  if (words.length > 200) words = words.slice(0, 200);
  const width = context.measureText(words).width;
  if (width <= room) return words;
  let letters = Math.floor((words.length * (room - 8)) / width);
  while (letters >= 3 && context.measureText(`${words.slice(0, letters)}…`).width > room) letters--;
  return letters >= 3 ? `${words.slice(0, letters)}…` : '';
}
