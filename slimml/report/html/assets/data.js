// Unpacks what slimml/report/html/packing.py packed.

async function readData() {
  const text = document.getElementById('data').textContent;
  const stream = new Blob([fromBase64(text)]).stream().pipeThrough(new DecompressionStream('deflate'));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const length = new DataView(bytes.buffer).getUint32(0, true);
  const directory = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  const columns = {};
  for (const [name, column] of Object.entries(directory.columns)) {
    columns[name] = readColumn(bytes, 4 + length + column.offset, column);
  }
  return { head: directory.head, columns };
}

function fromBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return bytes;
}

function readColumn(bytes, start, column) {
  const count = column.count;
  switch (column.type) {
    case 'words':
      return count ? new TextDecoder().decode(bytes.subarray(start, start + column.bytes)).split('\n') : [];
    case 'u1':
      return bytes.subarray(start, start + count);
    case 'u2':
      return new Uint16Array(interleaved(bytes, start, count, 2).buffer);
    case 'u4':
      return new Uint32Array(interleaved(bytes, start, count, 4).buffer);
    default: {
      const raw = new DataView(interleaved(bytes, start, count, 8).buffer);
      return Float64Array.from({ length: count }, (_, i) => raw.getFloat64(8 * i, true));
    }
  }
}

// From planes (all lowest bytes first) to the bytes of one number after the other.
function interleaved(bytes, start, count, width) {
  const found = new Uint8Array(count * width);
  for (let plane = 0; plane < width; plane++) {
    const from = start + plane * count;
    for (let i = 0, at = plane; i < count; i++, at += width) found[at] = bytes[from + i];
  }
  return found;
}
