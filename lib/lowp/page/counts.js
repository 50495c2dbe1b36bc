// SPDX-License-Identifier: Apache-2.0
// The counts of a page: decoded once, then every class at every scale by a look at three places of each tensor.
'use strict';

const classes = ['flushed', 'subnormal', 'normal', 'saturated', 'overflowed'];

async function inflated(base64) {
  const text = atob(base64.trim()), packed = new Uint8Array(text.length);
  for (let i = 0; i < text.length; ++i) packed[i] = text.charCodeAt(i);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// {head, records}: what the program wrote. A record holds, of a tensor of a step or of several together, its elements,
// zero, nan, inf and per side {first, rows, sums, at}. `sums` holds, from `at` on, cuts + 1 numbers of each binade from
// `first` on, and one at the end: how many elements lie below its start, and below each cut.
function decode(bytes) {
  let at = 0;
  const integer = () => {
    let value = 0, unit = 1;
    for (;; unit *= 128) {
      const byte = bytes[at++];
      value += (byte & 127) * unit;
      if (byte < 128) return value;
    }
  };
  const size = integer();
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(at, at + size)));
  at += size;
  const width = head.cuts + 1, sides = head.formats[0].sides.length, records = [];
  const sums = new Float64Array(bytes.length);  // room enough: no number takes less than a byte
  let used = 0;
  const side = () => {
    const z = integer(), rows = integer(), start = used;
    used += rows * width + 1;
    for (let cut = 1; cut <= width; ++cut) {
      for (let i = start + cut; i < used; i += width) sums[i] = integer();
    }
    for (let i = start + 1; i < used; ++i) sums[i] += sums[i - 1];
    return {first: z % 2 ? -(z + 1) / 2 : z / 2, rows, sums, at: start};
  };
  while (at < bytes.length) {
    const record = {step: integer(), name: integer(), elements: integer(), zero: integer(), nan: integer(),
                    inf: integer(), sides: []};
    for (let s = 0; s < sides; ++s) record.sides.push(side());
    records.push(record);
  }
  return {head, records};
}

// All elements of some records as one record.
function merged(head, records) {
  const width = head.cuts + 1, sum = {elements: 0, zero: 0, nan: 0, inf: 0, sides: []};
  for (const record of records) {
    for (const key of ['elements', 'zero', 'nan', 'inf']) sum[key] += record[key];
  }
  for (let s = 0; s < head.formats[0].sides.length; ++s) {
    const parts = records.map(record => record.sides[s]).filter(side => side.rows > 0);
    const first = parts.reduce((least, side) => Math.min(least, side.first), parts.length ? Infinity : 0);
    const end = parts.reduce((most, side) => Math.max(most, side.first + side.rows), first);
    const sums = new Float64Array((end - first) * width + 1);
    for (const side of parts) {
      const shift = (side.first - first) * width - side.at, end = side.at + side.rows * width;
      for (let i = side.at + 1; i <= end; ++i) sums[shift + i] += side.sums[i] - side.sums[i - 1];
    }
    for (let i = 1; i < sums.length; ++i) sums[i] += sums[i - 1];
    sum.sides.push({first, rows: end - first, sums, at: 0});
  }
  return sum;
}

// What a format makes of a record at the scale 2^scale: a count of each class.
function classesAt(head, format, record, scale) {
  const width = head.cuts + 1;
  const counts = {flushed: 0, subnormal: 0, normal: 0, saturated: 0, overflowed: 0};
  record.sides.forEach((side, s) => {
    const {edges, beyond} = format.sides[s], all = side.sums[side.at + side.rows * width];
    let before = 0;
    for (let e = 0; e < 3; ++e) {
      const row = edges[e][0] - scale - side.first;
      const below = row < 0 ? 0 : row >= side.rows ? all : side.sums[side.at + row * width + edges[e][1]];
      counts[classes[e]] += below - before;
      before = below;
    }
    counts[beyond] += all - before;
  });
  return counts;
}

const nonzero = record => record.elements - record.zero - record.nan - record.inf;
const beyond = counts => counts.saturated + counts.overflowed;

// As the program prints them: "0", "<0.01 %", "0.12 %", "57.2 %", never "100 %" for less than all.
function percent(part, whole) {
  if (whole === 0) return '-';
  if (part === 0) return '0';
  if (part === whole) return '100 %';
  const share = 100 * part / whole;
  if (share < 0.01) return '<0.01 %';
  if (share < 1) return share.toPrecision(2) + ' %';
  return Math.min(share, 99.9).toFixed(1) + ' %';
}
const grouped = count => String(count).replace(/\B(?=(\d{3})+$)/g, ',');
// "1 value is lost", "2 values are lost"; "no value is lost".
const values = (count, one, many) =>
  count === 0 ? `no value ${one}` : count === 1 ? `1 value ${one}` : `${grouped(count)} values ${many}`;
const power = scale => `2^${scale}`;

// What becomes of a record, in words.
function sentence(format, record, scale, counts) {
  const all = nonzero(record), lost = counts.flushed, over = beyond(counts);
  if (all === 0) return `${format.name} at ${power(scale)}: nothing to lose, there are no finite non-zero values.`;
  const of = count => count === 0 ? '' : ` (${percent(count, all)})`;
  return `${format.name} at ${power(scale)}: of ${grouped(all)} non-zero value${all === 1 ? '' : 's'}, ` +
    `${values(lost, 'becomes zero', 'become zero')}${of(lost)}, ` +
    `${values(counts.subnormal, 'becomes subnormal', 'become subnormal')}${of(counts.subnormal)}, ` +
    (counts.saturated ? `${values(counts.saturated, 'is', 'are')} clipped to the largest number${of(counts.saturated)}` +
      (counts.overflowed ? ', ' : '') : '') +
    (counts.saturated && !counts.overflowed ? '.' :
      `${values(counts.overflowed, 'overflows', 'overflow')}${of(counts.overflowed)}.`);
}

globalThis.precisionAudit = {classes, inflated, decode, merged, classesAt, percent, sentence};
