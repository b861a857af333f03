'use strict';
// Reads GET /admin/status/stream and draws it. Tokens are kept in this closure and nowhere else: reloading the page forgets them.
(() => {
  const shown = 120;          // samples in a chart: two minutes
  const minute = 60;
  const samples = [];
  let tokens = null;
  let stream = null;          // AbortController of the open one
  let tries = 0;

  const byId = id => document.getElementById(id);
  const numbers = digits => new Intl.NumberFormat('en', { maximumFractionDigits: digits, minimumFractionDigits: digits });
  const whole = numbers(0), one = numbers(1), two = numbers(2);
  const short = value => value == null || !Number.isFinite(value) ? '–' : Number.isInteger(value) || value >= 100 ? whole.format(value) : value >= 10 ? one.format(value) : two.format(value);
  const percent = value => value == null ? '–' : value >= 0.99995 ? '100' : value >= 0.995 ? two.format(value * 100) : one.format(value * 100);
  const bytes = value => value == null ? '–' : value < 1024 ? `${value} B` : value < 1048576 ? `${one.format(value / 1024)} KiB` : value < 1073741824 ? `${one.format(value / 1048576)} MiB` : `${two.format(value / 1073741824)} GiB`;
  const span = seconds => {
    const d = Math.floor(seconds / 86400), h = Math.floor(seconds / 3600) % 24, m = Math.floor(seconds / 60) % 60;
    return d > 0 ? `${d} d ${h} h` : h > 0 ? `${h} h ${m} min` : m > 0 ? `${m} min` : `${Math.floor(seconds)} s`;
  };

  // Only text ever goes into the page: names and routes are written, not parsed.
  function make(name, attributes = {}, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  }

  function svg(name, attributes) {
    const element = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  }

  function setText(id, text) {
    const element = byId(id);
    if (element.textContent !== text) element.textContent = text;
  }

  // --- Signing in, and staying so ---

  async function post(path, body, token) {
    const headers = { 'Content-Type': 'application/json' };
    if (token) headers.Authorization = `Bearer ${token}`;
    return fetch(path, { method: 'POST', headers, body: body ? JSON.stringify(body) : undefined, credentials: 'omit', cache: 'no-store' });
  }

  async function problemOf(answer) {
    try {
      return await answer.json();
    } catch {
      return {};
    }
  }

  byId('form').addEventListener('submit', async event => {
    event.preventDefault();
    const form = event.target, button = byId('submit');
    setText('problem', '');
    button.disabled = true;
    try {
      const answer = await post('/api/v1/auth/login', { email: form.email.value, password: form.password.value });
      if (!answer.ok) {
        const problem = await problemOf(answer);
        return setText('problem', problem.code === 'authn.credentials_not_valid' ? 'Address or password is wrong.' : problem.title ?? `The service answered ${answer.status}.`);
      }

      const session = await answer.json();
      if (session.password_change_required) return setText('problem', 'The password is a temporary one. Change it first.');
      form.reset();
      begin(session);
    } catch {
      setText('problem', 'The service can’t be reached.');
    } finally {
      button.disabled = false;
    }
  });

  byId('sign-out').addEventListener('click', () => {
    const leaving = tokens;
    end('');
    if (leaving) post('/api/v1/auth/logout', null, leaving.access_token).catch(() => {});
  });

  function begin(session) {
    tokens = session;
    samples.length = 0;
    byId('sign-in').hidden = true;
    byId('figures').hidden = byId('session').hidden = false;
    draw();
    listen();
  }

  function end(reason) {
    tokens = null;
    stream?.abort();
    stream = null;
    byId('sign-in').hidden = false;
    byId('figures').hidden = byId('session').hidden = true;
    setText('node', 'Status of this node');
    setText('problem', reason);
    byId('email').focus();
  }

  function live(state, text) {
    byId('live').dataset.state = state;
    setText('live-text', text);
  }

  async function listen() {
    stream = new AbortController();
    const own = stream;
    try {
      const answer = await fetch('/admin/status/stream', { headers: { Authorization: `Bearer ${tokens.access_token}` }, signal: own.signal, credentials: 'omit', cache: 'no-store' });
      if (answer.status === 401) return await renew();
      if (answer.status === 403) return end('This account doesn’t hold system:admin.');
      if (!answer.ok) throw new Error(`answered ${answer.status}`);
      await read(answer.body.getReader());
    } catch {
      // Below.
    }

    if (own.signal.aborted || !tokens) return;
    live('bad', 'Connection lost');
    setTimeout(() => tokens && listen(), Math.min(10000, 1000 * 2 ** tries++));
  }

  async function renew() {
    const answer = await post('/api/v1/auth/refresh', { refresh_token: tokens.refresh_token });
    if (!tokens) return;
    if (answer.status === 401) return end('The session has ended. Sign in again.');
    if (!answer.ok) throw new Error(`answered ${answer.status}`);
    tokens = { ...tokens, ...await answer.json() };
    setTimeout(() => tokens && listen(), 0);
  }

  async function read(reader) {
    const decoder = new TextDecoder();
    let text = '';
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      text += decoder.decode(value, { stream: true });
      for (let at = text.indexOf('\n\n'); at >= 0; at = text.indexOf('\n\n')) {
        const data = text.slice(0, at).split('\n').filter(line => line.startsWith('data: ')).map(line => line.slice(6)).join('\n');
        text = text.slice(at + 2);
        if (data) take(JSON.parse(data));
      }
    }
  }

  // --- From counts to rates ---

  function take(status) {
    tries = 0;
    const before = samples.at(-1)?.status;
    // Another node, or this one anew: its counts begin again.
    if (before && (before.node.started_at !== status.node.started_at || before.requests.total > status.requests.total)) samples.length = 0;
    const last = samples.at(-1)?.status;
    const seconds = last ? Math.max(0.2, (Date.parse(status.at) - Date.parse(last.at)) / 1000) : null;
    const rate = (now, then) => seconds ? Math.max(0, now - then) / seconds : null;
    samples.push({
      status,
      rate: rate(status.requests.total, last?.requests.total),
      failed: rate(status.requests.failed, last?.requests.failed),
      hashes: rate(status.hashing.hashes, last?.hashing.hashes),
      waiting: status.hashing.waiting,
      lag: status.freshness.lag_ms,
      cpu: status.node.cpu * 100,
    });
    if (samples.length > shown) samples.shift();
    live('good', 'Live');
    draw();
  }

  /** What was counted in the last minute. */
  function grown(of) {
    const now = samples.at(-1)?.status, then = samples[Math.max(0, samples.length - minute - 1)]?.status;
    return now && then ? of(now) - of(then) : 0;
  }

  // --- Drawing ---

  function draw() {
    const sample = samples.at(-1), status = sample?.status;
    chart('chart-requests', [{ of: s => s.rate, name: 'answered /s', area: true }, { of: s => s.failed, name: 'failed /s', style: 'bad', onlyIfAny: true }], { least: 10 }, status && 'streams are not counted');
    chart('chart-lag', [{ of: s => s.lag, name: 'lag, ms', area: true }], { least: 50, unit: ' ms' }, status && `age of what this node knows; ${whole.format(status.freshness.lease_ms)} ms at most`);
    chart('chart-hashing', [{ of: s => s.hashes, name: 'hashes /s', area: true }, { of: s => s.waiting, name: 'waiting', style: 's2' }], { least: 10 }, status && `${status.hashing.threads} at a time, ${whole.format(status.hashing.queue_length)} may wait, ${whole.format(status.hashing.refused)} refused`);
    chart('chart-cpu', [{ of: s => s.cpu, name: 'CPU %', area: true }], { least: 100, most: 100, unit: ' %' }, status && `${bytes(status.node.working_set_bytes)}, ${bytes(status.node.heap_bytes)} of it managed, ${status.node.processors} processors`);
    if (!status) return;

    const { node, requests, tiers, freshness, pools, redis, solid_cache: cache } = status;
    setText('node', `${node.name} · version ${node.version} · up ${span(node.uptime_seconds)}`);
    document.title = freshness.has_lease ? 'AuthService status' : '⚠ AuthService status';

    const answered = grown(s => s.requests.total), failures = grown(s => s.requests.failed);
    tile('t-rate', short(sample.rate), `${whole.format(requests.total)} since opened`);
    const rights = tiers[0], asked = grown(s => s.tiers[0].hits + s.tiers[0].misses), hit = grown(s => s.tiers[0].hits);
    const ratio = asked > 0 ? hit / asked : rights.hits + rights.misses > 0 ? rights.hits / (rights.hits + rights.misses) : null;
    tile('t-hit', percent(ratio), asked > 0 ? `of ${whole.format(asked)} in the last minute` : 'since the node’s start', ratio == null || ratio >= 0.9 ? '' : 'warn');
    tile('t-lag', freshness.lag_ms == null ? '–' : short(freshness.lag_ms), `${freshness.nodes} node${freshness.nodes === 1 ? '' : 's'}, lease ${whole.format(freshness.lease_ms)} ms`, freshness.has_lease ? '' : 'bad');
    tile('t-p99', short(requests.p99_ms), `half within ${short(requests.p50_ms)} ms`, requests.p99_ms > 500 ? 'warn' : '');
    tile('t-err', answered > 0 ? percent(failures / answered) === '100' ? '100' : short(failures / answered * 100) : '0', `${whole.format(failures)} in the last minute`, failures / answered > 0.001 ? 'bad' : '');

    pill('lease', freshness.has_lease ? 'good' : 'bad', freshness.has_lease ? 'Lease held' : 'No lease');
    pill('redis-state', { healthy: 'good', unhealthy: 'bad', disabled: 'off' }[redis.state], { healthy: 'In use', unhealthy: 'Away', disabled: 'Not configured' }[redis.state]);
    drawTiers(tiers);
    drawPools(pools);
    drawRoutes(status.routes);
    facts('cache', cache == null ? [['State', 'no answer']] : [
      ['Entries', whole.format(cache.entries) + (cache.is_exact ? '' : ' (estimated)')], ['Expired, waiting to go', whole.format(cache.expired)],
      ['Size of the entries', bytes(cache.size_bytes)], ['Table on disk', bytes(cache.table_bytes)],
    ]);
    facts('redis', redis.state === 'disabled' ? [['Shared tier', 'PostgreSQL alone'], ['Told of changes by', 'PostgreSQL']] : [
      ['Server', redis.server ?? '–'], ['Commands', whole.format(redis.commands)], ['Waiting for a reply', whole.format(redis.depth)],
      ['Without a reply in time', whole.format(redis.time_outs)], ['Reconnects', whole.format(redis.reconnects)],
    ]);
  }

  function tile(id, value, sub, state = '') {
    setText(id, value);
    setText(`${id}-sub`, sub);
    byId(id).closest('.tile').dataset.state = state;
  }

  function pill(id, state, text) {
    byId(id).dataset.state = state;
    setText(id, text);
  }

  const tierNames = { rights: 'Rights, in memory', memory: 'Cache, memory', redis: 'Cache, Redis', postgres: 'Cache, PostgreSQL' };

  function drawTiers(tiers) {
    const rows = tiers.map((tier, i) => {
      const hits = grown(s => s.tiers[i].hits), total = hits + grown(s => s.tiers[i].misses);
      const ratio = total > 0 ? hits / total : null;
      return bar(tierNames[tier.name] ?? tier.name, ratio == null ? 'not asked' : `${percent(ratio)} %`, ratio == null ? '' : ` of ${whole.format(total)}`, [[ratio ?? 0, '']]);
    });
    byId('tiers').replaceChildren(...rows);
  }

  function drawPools(pools) {
    const names = { primary: 'Primary', replica: 'Replica' };
    byId('pools').replaceChildren(...pools.map(pool => {
      const busy = pool.size - pool.free;
      const row = bar(names[pool.name] ?? pool.name, `${busy} busy`, ` · ${pool.free} free · ${pool.max} at most`, [[busy / pool.max, pool.waiting > 0 ? 'bad' : ''], [pool.free / pool.max, 's2']]);
      const list = make('dl', { class: 'facts' });
      for (const [term, value] of [['Waiting for one', whole.format(pool.waiting)], ['State', pool.status]]) list.append(make('dt', {}, term), make('dd', {}, value));
      return make('div', {}, row, list);
    }));
    setText('pools-note', pools.length > 1 ? '' : 'no replica');
  }

  function bar(name, value, less, parts) {
    const track = make('div', { class: 'track', 'aria-hidden': 'true' });
    for (const [share, style] of parts) {
      const part = make('i', { class: style });
      part.style.width = `${Math.min(1, Math.max(0, share)) * 100}%`;
      track.append(part);
    }

    return make('div', { class: 'bar-row' }, make('span', {}, name), make('span', { class: 'value' }, value, make('span', { class: 'less' }, less)), track);
  }

  function drawRoutes(routes) {
    const most = Math.max(1, ...routes.map(r => r.p99_ms)), seconds = Math.min(minute, Math.max(1, samples.length - 1));
    const rows = routes.map(r => {
      const [verb, ...path] = r.route.split(' ');
      const track = make('div', { class: 'track', 'aria-hidden': 'true' }, make('i', { class: r.p99_ms > 500 ? 'bad' : '' }));
      track.firstChild.style.width = `${r.p99_ms / most * 100}%`;
      return make('tr', {}, make('td', { title: r.route }, make('span', { class: 'verb' }, verb), path.join(' ')), number(short(r.count / seconds), ' more'), number(`${short(r.p50_ms)} ms`, ' more'), number(`${short(r.p99_ms)} ms`),
        make('td', { class: 'spark' }, track), number(`${short(r.max_ms)} ms`, ' more'), make('td', { class: r.failed > 0 ? 'num failed' : 'num' }, whole.format(r.failed)));
    });
    if (rows.length === 0) rows.push(make('tr', {}, make('td', { class: 'none', colspan: '7' }, 'No request in the last minute.')));
    byId('routes').replaceChildren(...rows);

    function number(text, style = '') {
      return make('td', { class: 'num' + style }, text);
    }
  }

  function facts(id, pairs) {
    byId(id).replaceChildren(...pairs.flatMap(([term, value]) => [make('dt', {}, term), make('dd', {}, value)]));
  }

  /** A round number that nothing is above, and that halves well. */
  function ceiling(value) {
    const power = 10 ** Math.floor(Math.log10(value));
    return [1, 2, 4, 6, 10].map(step => step * power).find(step => step >= value) ?? 10 * power;
  }

  function chart(id, series, { least, most, unit = '' }, note) {
    const holder = byId(id);
    const top = most ?? ceiling(Math.max(least, ...samples.flatMap(s => series.map(line => line.of(s) ?? 0))));
    if (!holder.firstChild) prepare(holder, series);
    const { area, lines, labels, table, summary, picture } = holder.parts;
    const x = i => (shown - samples.length + i) / (shown - 1) * 1000;
    const y = value => 100 - Math.min(1, value / top) * 100;
    series.forEach((line, n) => {
      const points = samples.map((s, i) => [x(i), line.of(s)]).filter(([, value]) => value != null).map(([at, value]) => [at, y(value)]);
      const path = points.map(([at, height], i) => `${i ? 'L' : 'M'}${at.toFixed(1)} ${height.toFixed(2)}`).join('');
      // A line of nothing but zeros says less than none.
      lines[n].setAttribute('d', line.onlyIfAny && !samples.some(s => line.of(s) > 0) ? '' : path);
      if (line.area) area.setAttribute('d', points.length > 1 ? `${path}L${points.at(-1)[0].toFixed(1)} 100L${points[0][0].toFixed(1)} 100Z` : '');
    });
    labels.forEach((label, i) => label.textContent = `${short(top * (2 - i) / 2)}${i === 0 ? unit : ''}`);
    const last = samples.at(-1);
    picture.setAttribute('aria-label', series.map(line => `${line.name}: ${short(last && line.of(last))}`).join(', ') + ', two minutes drawn');
    if (note && summary.textContent !== note) summary.textContent = note;
    if (summary.parentElement.open) {
      table.replaceChildren(...samples.slice(-10).reverse().map(s => make('tr', {}, make('td', {}, s.status.at.slice(11, 19)), ...series.map(line => make('td', {}, short(line.of(s)))))));
    }
  }

  function prepare(holder, series) {
    const plot = make('div', { class: 'plot' });
    const picture = svg('svg', { viewBox: '0 0 1000 100', preserveAspectRatio: 'none', role: 'img' });
    for (const at of [0, 50, 100]) picture.append(svg('line', { class: 'rule', x1: 0, x2: 1000, y1: at, y2: at }));
    const area = svg('path', { class: 'area' });
    const lines = series.map(line => svg('path', { class: `line ${line.style ?? ''}` }));
    picture.append(area, ...lines);
    plot.append(picture);
    const labels = [0, 50, 100].map(at => {
      const label = make('span', { class: 'y', 'aria-hidden': 'true' });
      label.style.top = `calc(6px + (100% - 28px) * ${at / 100})`;
      return label;
    });
    holder.append(plot, ...labels, make('span', { class: 'x from', 'aria-hidden': 'true' }, '2 min ago'), make('span', { class: 'x to', 'aria-hidden': 'true' }, 'now'));
    const table = make('tbody');
    const head = make('thead', {}, make('tr', {}, make('th', { scope: 'col' }, 'UTC'), ...series.map(line => make('th', { scope: 'col' }, line.name))));
    const summary = make('summary', { title: 'As a table' }, '\u00a0');
    holder.after(make('details', {}, summary, make('table', {}, make('caption', { class: 'hide' }, 'The last ten seconds'), head, table)));
    holder.parts = { area, lines, labels, table, summary, picture };
  }
})();
