// SPDX-License-Identifier: Apache-2.0
// The page's own script, taken out of the page, against --output json: every tensor, step, format and scale.
//   PRECISION_AUDIT=build/release/bin/precision-audit node tests/page/equal_test.mjs
import assert from 'node:assert';
import {execFileSync, spawnSync} from 'node:child_process';
import {createHash} from 'node:crypto';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import vm from 'node:vm';

const program = process.env.PRECISION_AUDIT ?? 'precision-audit';
const samples = fileURLToPath(new URL('../../data/samples/', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'page-'));
const hash = text => createHash('sha256').update(text).digest('base64');
const between = (text, start, end) => {
  const from = text.indexOf(start) + start.length;
  return text.slice(from, text.indexOf(end, from));
};

function answers(words) {
  const page = join(folder, 'audit.html');
  const json = execFileSync(program, [...words, '--report', page, '--output', 'json'],
    {maxBuffer: 1 << 30, stdio: ['ignore', 'pipe', 'ignore']});
  return {report: JSON.parse(json), html: readFileSync(page, 'utf8')};
}

// The script and style that the page's policy lets in are those that it holds.
function checkPolicy(html) {
  const policy = between(html, 'Content-Security-Policy content="', '"');
  const script = between(html, '</script>\n<script>', '</script>'), style = between(html, '<style>', '</style>');
  assert(policy.startsWith("default-src 'none'") && !policy.includes('unsafe'), policy);
  assert(policy.includes(`script-src 'sha256-${hash(script)}'`), 'the hash of the script');
  assert(policy.includes(`style-src 'sha256-${hash(style)}'`), 'the hash of the style');
  assert(!/https?:|\beval\b|innerHTML|style=|\son\w+=/.test(html.replace(/http:\/\/www.w3.org\/2000\/svg/g, '')));
  return script;
}

async function opened(html) {
  const world = {TextDecoder, Blob, Response, DecompressionStream, atob, Uint8Array, Float64Array};
  vm.runInNewContext(checkPolicy(html), world);
  const page = world.precisionAudit;
  const data = between(html, 'type=application/octet-stream>', '<');
  return {page, ...page.decode(await page.inflated(data))};
}

function recordsOf({head, records, page}, row) {
  if (row.scope === 'total') return page.merged(head, records);
  const step = head.steps.findIndex(([path, number]) => row.scope === 'step' ? path === row.name : number === row.step);
  const found = records.filter(r => r.step === step && (row.scope === 'step' || head.names[r.name] === row.name));
  assert(found.length > 0, `${row.scope} ${row.name} ${row.step}`);
  return row.scope === 'step' ? page.merged(head, found) : found[0];
}

async function compare(words) {
  const {report, html} = answers(words), page = await opened(html), held = new Map();
  for (const row of report.outcomes) {
    const where = `${row.scope} ${row.name} ${row.step}`;
    if (!held.has(where)) held.set(where, recordsOf(page, row));
    const record = held.get(where), format = page.head.formats.find(f => f.name === row.format);
    const got = {elements: record.elements, zero_in: record.zero, nan_in: record.nan, inf_in: record.inf,
                 ...page.page.classesAt(page.head, format, record, row.scale_log2)};
    const {exact, exact_reason, ...counts} = row.counts;
    const wanted = {elements: row.elements, zero_in: row.zero_in, nan_in: row.nan_in, inf_in: row.inf_in, ...counts};
    assert.deepEqual({...got}, wanted, `${words.join(' ')}: ${where} ${row.format} 2^${row.scale_log2}`);
    if (row.scope !== 'total') continue;
    const [kept, decibels] = format.errors[row.scale_log2 - page.head.scales[0]];
    assert.equal(kept, exact ?? null);
    assert.equal(decibels === null, row.error.snr_db === null, 'decibels where the report has them');
    if (decibels !== null) assert(Math.abs(decibels - row.error.snr_db) <= 0.0501);
  }
  console.log(`${report.outcomes.length} outcomes equal, ${held.size} of tensors or steps, page of ${html.length} bytes: ${words.join(' ')}`);
  return report.outcomes.length;
}

async function checkWords() {
  const {page} = await opened(answers([join(samples, 'unet-step0200.safetensors')]).html);
  const shares = [[0, 5], [1, 1e6], [12, 10000], [572, 1000], [999999, 1000000], [5, 5], [1, 0], [5, 10000]];
  assert.deepEqual(shares.map(([part, whole]) => page.percent(part, whole)),
    ['0', '<0.01 %', '0.12 %', '57.2 %', '99.9 %', '100 %', '-', '0.050 %']);
  const record = {elements: 3, zero: 1, nan: 0, inf: 0};
  const say = counts => page.sentence({name: 'fp16'}, record, 3,
    {flushed: 0, subnormal: 0, normal: 0, saturated: 0, overflowed: 0, ...counts});
  assert.equal(say({flushed: 1, subnormal: 1}), 'fp16 at 2^3: of 2 non-zero values, 1 value becomes zero (50.0 %), ' +
    '1 value becomes subnormal (50.0 %), no value overflows.');
  assert.equal(say({overflowed: 2}), 'fp16 at 2^3: of 2 non-zero values, no value becomes zero, ' +
    'no value becomes subnormal, 2 values overflow (100 %).');
}

// FP64 at and beside edges, empty tensors, nothing but zeros, NaN, Inf.
function writeOdd(path) {
  const beside = x => [x, x * (1 - 2 ** -40), x * (1 + 2 ** -40), -x, -x * (1 - 2 ** -40), -x * (1 + 2 ** -40)];
  const tensors = {edges: [2 ** -25, 2 ** -10, 2 ** -17, 464, 448, 65520, 65504, 61440, 2 ** -14 * (1 - 2 ** -11), 1e-300,
                           2 ** -6 * (15 / 16), 2 ** -126 * (1 - 2 ** -8)].flatMap(beside),
                   none: [], zeros: [0, -0], bad: [NaN, Infinity, -Infinity, 1]};
  const head = {};
  let at = 0;
  for (const [name, list] of Object.entries(tensors))
    head[name] = {dtype: 'F64', shape: [list.length], data_offsets: [at, at += 8 * list.length]};
  const text = Buffer.from(JSON.stringify(head)), size = Buffer.alloc(8);
  size.writeUInt32LE(text.length);
  const all = new Float64Array(Object.values(tensors).flat());
  writeFileSync(path, Buffer.concat([size, text, Buffer.from(all.buffer)]));
}

// Exit 2 and one line, and nothing is written.
function checkRefusals(input) {
  const other = join(folder, 'other.html');
  writeFileSync(other, '<p>not ours');
  for (const words of [['--report', 'page.txt'], ['--report', '.html'], ['--report', other],
                       ['--report', join(folder, 'new.html'), '--formats', 'fp32']]) {
    const done = spawnSync(program, [input, ...words], {encoding: 'utf8'});
    assert.equal(done.status, 2, words.join(' '));
    assert.match(done.stderr, /^precision-audit: --report: .*\n$/);
    assert.equal(done.stdout, '');
  }
  assert.equal(readFileSync(other, 'utf8'), '<p>not ours');
  assert.equal(spawnSync(program, [input, '--report', '/dev/full/x.html']).status, 3);
}

try {
  const odd = join(folder, 'odd.safetensors');
  writeOdd(odd);
  const unet = join(samples, 'unet-step0200.safetensors'), steps = join(samples, 'chargpt-steps');
  const runs = [[unet, '--by', 'tensor'], [steps, '--by', 'tensor'], [steps, '--by', 'step'],
                [steps, '--by', 'tensor', '--rounding', 'toward_positive'],
                [unet, '--by', 'tensor', '--formats', 'e5m3,e3m4'],
                [unet, '--by', 'tensor', '--counts-only', '--overflow', 'saturate'],
                ...['nearest_even', 'toward_negative', 'toward_zero', 'to_odd'].map(mode =>
                  [odd, '--by', 'tensor', '--formats', 'fp16,bf16,e4m3,e5m2,e3m4,e6m9', '--rounding', mode])];
  let outcomes = 0;
  for (const words of runs) outcomes += await compare(words);
  assert(outcomes > 10000);
  await checkWords();
  checkRefusals(unet);
  console.log('page: equal');
} finally {
  rmSync(folder, {recursive: true});
}
