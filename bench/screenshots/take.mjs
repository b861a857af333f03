// Signs in to /status with a real Chromium, watches it under some load, and writes pictures of it and of /docs. Fails where the page breaks its own policy, moves while it
// fills, scrolls sideways on a phone, says too little to a screen reader, or shows a figure to somebody who has not signed in.
import { chromium } from 'playwright-core';

const [base, email, password, folder, executablePath] = process.argv.slice(2);
const faults = [];
const sleep = ms => new Promise(resolve => setTimeout(resolve, ms));

async function call(path, body, token, method) {
  const headers = { 'content-type': 'application/json' };
  if (token) headers.authorization = `Bearer ${token}`;
  const answer = await fetch(base + path, { method: method ?? (body ? 'POST' : 'GET'), headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  return text && answer.headers.get('content-type')?.includes('json') ? JSON.parse(text) : null;
}

// What people do: mostly checks, some refreshes, lists and log-ins.
let isLoading = true;
async function load(id) {
  let { access_token: token, refresh_token: refresh } = await call('/api/v1/auth/login', { email, password });
  const account = (await call('/api/v1/users?limit=100', null, token)).items;
  for (let n = 0; isLoading; n++) {
    const one = account[(n * 7 + id) % account.length].id;
    if (n % 97 === 0) await call('/api/v1/auth/login', { email: `u${1 + (n + id) % 200}@example.com`, password: 'tea kettle on a blue stove' });
    else if (n % 41 === 0) await call('/api/v1/users?search=u1&sort=-created_at', null, token);
    else if (n % 29 === 0) ({ access_token: token, refresh_token: refresh } = await call('/api/v1/auth/refresh', { refresh_token: refresh }));
    else if (n % 23 === 0) await call(`/api/v1/users/${one}`, null, token);
    else if (n % 43 === 0) await call('/api/v1/users/profile', null, token);
    else if (n % 53 === 0) await call('/api/v1/roles?count=none', null, token);
    else if (n % 67 === 0) await call('/api/v1/me/sessions', null, token);
    else if (n % 79 === 0) await call('/api/v1/users', { email: `new${id}x${n}@example.com`, username: `new${id}x${n}` }, token);
    else if (n % 61 === 0) await call('/api/v1/audit-events?type=session_renewed', null, token);
    else await call('/api/v1/authz/check', { user_id: one, permission: 'users:read' }, token);
    await sleep(4 + (n * 13 + id * 5) % 9 + 6 * Math.sin(n / 90));
  }
}

function watch(page, what) {
  page.on('console', message => message.type() === 'error' && !message.text().includes('401') && faults.push(`${what}: ${message.text()}`));
  page.on('pageerror', error => faults.push(`${what}: ${error.message}`));
  page.on('request', request => request.url().startsWith(base) || request.url().startsWith('data:') || faults.push(`${what}: asked ${request.url()}`));
}

async function status(browser, name, options, seconds) {
  const context = await browser.newContext({ deviceScaleFactor: 1.5, ...options });
  const page = await context.newPage();
  watch(page, name);
  await page.addInitScript(() => {
    window.moved = 0;
    new PerformanceObserver(list => list.getEntries().forEach(entry => entry.hadRecentInput || (window.moved += entry.value))).observe({ type: 'layout-shift', buffered: true });
  });
  await page.goto(`${base}/status`);
  if (await page.locator('#figures').isVisible()) faults.push(`${name}: figures before signing in`);
  if (name === 'status') await page.screenshot({ path: `${folder}/status-sign-in.png` });
  await page.getByLabel('E-mail', { exact: true }).fill(email);
  await page.getByLabel('Password', { exact: true }).fill('not the password');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').filter({ hasText: 'wrong' }).waitFor();
  await page.getByLabel('E-mail', { exact: true }).fill(email);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('Live', { exact: true }).waitFor();
  await sleep(600);
  await page.evaluate(() => { window.moved = 0; });
  await sleep(seconds * 1000);
  await page.evaluate(() => scrollTo(0, 0));
  await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
  const { moved, wide, kept } = await page.evaluate(() => ({
    moved: window.moved, wide: document.documentElement.scrollWidth - innerWidth, kept: localStorage.length + sessionStorage.length + document.cookie.length,
  }));
  if (moved > 0.02) faults.push(`${name}: the layout moved by ${moved.toFixed(3)}`);
  if (wide > 0) faults.push(`${name}: ${wide} pixels wider than the window`);
  if (kept > 0) faults.push(`${name}: something was kept in the browser`);
  for (const heading of ['Requests', 'Answers by tier', 'Freshness', 'Connections', 'Password hashing', 'Slowest routes', 'SolidCache', 'Redis', 'Process'])
    if (!await page.getByRole('heading', { name: heading, exact: true }).first().isVisible()) faults.push(`${name}: no heading ${heading}`);
  for (const picture of await page.getByRole('img').all())
    if (!/\d/.test(await picture.getAttribute('aria-label') ?? '')) faults.push(`${name}: a drawing says nothing`);
  if (await page.locator('.routes tbody tr').count() < 3) faults.push(`${name}: routes are not shown`);
  if (await page.locator('[id^="t-"]').filter({ hasText: '–' }).count() > 0) faults.push(`${name}: a tile has no figure`);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await context.close();
}

const browser = await chromium.launch({
  executablePath, headless: true,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
try {
  const loads = [0, 1, 2, 3].map(load);
  await sleep(1000);
  const wide = { viewport: { width: 1360, height: 900 } };
  const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
  await Promise.all([
    status(browser, 'status', { ...wide, colorScheme: 'light' }, 125),
    status(browser, 'status-dark', { ...wide, colorScheme: 'dark' }, 125),
    status(browser, 'status-phone', { ...phone, colorScheme: 'light' }, 125),
  ]);
  isLoading = false;
  await Promise.all(loads);

  const page = await browser.newPage({ ...wide, deviceScaleFactor: 1.5, colorScheme: 'light' });
  watch(page, 'docs');
  await page.goto(`${base}/docs/index.html`);
  await page.locator('.opblock').first().waitFor();
  await sleep(500);
  await page.screenshot({ path: `${folder}/docs.png` });
} finally {
  isLoading = false;
  await browser.close();
}

for (const fault of new Set(faults)) console.error(fault);
process.exitCode = faults.length === 0 ? 0 : 1;
console.log(`${faults.length} faults; pictures in ${folder}`);
