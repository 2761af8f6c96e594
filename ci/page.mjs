// Opens each page in light, dark and narrow, everything unfolded, and exits with 1 where it finds a fault.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import puppeteer from 'puppeteer-core';

const [browserPath, ...pages] = process.argv.slice(2);
const checker = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const looks = [['light', 1300], ['dark', 1300], ['light', 360]];

async function faults(browser, path, [theme, width]) {
  const found = [];
  const page = await browser.newPage();
  await page.setViewport({ width, height: 1000 });
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: theme }]);
  page.on('console', message => found.push(`console: ${message.text()}`));
  page.on('pageerror', error => found.push(`script: ${error.message}`));
  page.on('request', request => request.url() === `file://${path}` || found.push(`request: ${request.url()}`));
  await page.goto(`file://${path}`, { waitUntil: 'load' });
  await page.evaluate(() => document.querySelectorAll('details').forEach(details => { details.open = true; }));
  if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) found.push('scrolls sideways');
  await page.evaluate(checker);
  const { violations } = await page.evaluate(() => axe.run({ resultTypes: ['violations'] }));
  for (const { id, nodes } of violations) found.push(`axe: ${id}, ${nodes.length} times: ${nodes[0].html.slice(0, 160)}`);
  await page.close();
  return found;
}

const browser = await puppeteer.launch({ executablePath: browserPath, args: ['--no-sandbox', '--disable-gpu'] });
let total = 0;
for (const path of pages) {
  for (const look of looks) {
    const found = await faults(browser, path, look);
    total += found.length;
    console.log(`${path.split('/').pop()} ${look.join(' ')}: ${found.length ? found.join('\n  ') : 'no fault'}`);
  }
}
await browser.close();
process.exit(total ? 1 : 0);
