// What operators see: the metrics' own port, readiness, one line a request, and nothing secret in any of it.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Person, passwordOf, v3 } from './support/api-client.ts';
import { freePort } from './support/free-port.ts';
import { RealServer } from './support/real-server.ts';
import { handInLog } from './support/secret-register.ts';
import { SocketClient } from './support/socket-client.ts';

let server: RealServer;
let anna: Person;
let roomId: string;
let metricsUrl: string;

beforeAll(async () => {
  const port = await freePort();
  metricsUrl = `http://127.0.0.1:${port}`;
  server = await RealServer.start({
    environment: {
      CARILLON_LISTEN__METRICS: `127.0.0.1:${port}`,
      CARILLON_LOG__LEVEL: 'info',
      CARILLON_LIMITS__ENABLED: 'true',
      CARILLON_LIMITS__MESSAGE: '1/h burst 5',
    },
  });
  anna = await server.api.register('anna');
  roomId = await anna.createRoom();
});
afterAll(() => server?.remove());

/** The page as samples: name with labels, and value. */
async function scrape(): Promise<{ text: string; value: (sample: string) => number }> {
  const text = await (await fetch(`${metricsUrl}/metrics`)).text();
  handInLog('metrics', text);
  const samples = new Map(
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );
  return { text, value: (sample) => samples.get(sample) ?? Number.NaN };
}

it('counts requests by method, route and status, events, commits and refusals', async () => {
  const before = await scrape();
  for (let number = 0; number < 3; number++) await anna.send(roomId, `hello ${number}`);
  await anna.call('GET', v3`/rooms/${'!elsewhere:hs1'}/state`);
  for (let number = 0; number < 5; number++)
    await anna.call('PUT', v3`/rooms/${roomId}/send/m.x/${String(number)}`, { body: {} });
  const after = await scrape();
  const grew = (sample: string) => after.value(sample) - (before.value(sample) || 0);
  const send = 'method="PUT",route="/_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}"';
  expect(grew(`carillon_http_request_duration_seconds_count{${send},status="200"}`)).toBe(5);
  expect(grew(`carillon_http_request_duration_seconds_count{${send},status="429"}`)).toBe(3);
  expect(grew('carillon_events_persisted_total')).toBe(5);
  expect(grew('carillon_commit_batch_writes_count')).toBeGreaterThanOrEqual(5);
  expect(grew('carillon_rate_limited_total{rule="message"}')).toBe(3);
  expect(grew('carillon_database_duration_seconds_count{kind="batch"}')).toBeGreaterThanOrEqual(5);
  expect(after.value('carillon_stream_position')).toBeGreaterThan(before.value('carillon_stream_position'));
});

it('shows what waits, what is kept, and the process', async () => {
  const socket = await SocketClient.start(server.url, { access_token: anna.token });
  await socket.until(({ syncs }) => syncs[0]);
  const { next_batch: since } = await anna.sync();
  const waiting = anna.sync({ since, timeout: 1_500 });
  await new Promise((resolve) => setTimeout(resolve, 300));
  const { value, text } = await scrape();
  expect(value('carillon_sockets_open')).toBe(1);
  expect(value('carillon_http_requests_in_flight')).toBeGreaterThanOrEqual(1);
  expect(value('carillon_queue_depth{queue="stream_writer"}')).toBe(0);
  expect(value('carillon_cache_entries{cache="rooms"}')).toBe(1);
  expect(value('carillon_cache_entries{cache="users"}')).toBe(1);
  expect(value('carillon_forward_extremities_bucket{le="1"}')).toBe(1);
  expect(value('carillon_forward_extremities_bucket{le="+Inf"}')).toBe(1);
  expect(value('carillon_database_connections{state="open"}')).toBeGreaterThan(0);
  expect(value('carillon_process_resident_memory_bytes')).toBeGreaterThan(1e7);
  expect(value('carillon_process_cpu_seconds_total')).toBeGreaterThan(0);
  expect(value('carillon_event_loop_delay_seconds_count')).toBeGreaterThan(0);
  expect(value('carillon_disk_free_bytes')).toBeGreaterThan(0);
  expect(text).toMatch(/^carillon_build_info\{version="\d+\.\d+\.\d+",node="\d+/m);
  await waiting;
  const after = await scrape();
  expect(after.value('carillon_sync_wait_seconds_count')).toBeGreaterThan(0);
  expect(after.value('carillon_sync_build_seconds_count')).toBeGreaterThan(0);
  await socket.close();
});

it('has no users, rooms or tokens in its labels, and nothing else on its port', async () => {
  const { text } = await scrape();
  expect(text).not.toMatch(/@anna|!\w+|crl_/);
  expect((await fetch(`${metricsUrl}/_matrix/client/versions`)).status).toBe(404);
  expect((await fetch(`${server.url}/metrics`)).status).toBe(404);
});

it('logs logins, faults and what is slow at level info, and neither tokens nor every request', async () => {
  await anna.call('POST', v3`/login`, {
    body: { type: 'm.login.password', identifier: { type: 'm.id.user', user: 'anna' }, password: 'not the password' },
  });
  await anna.call('GET', `${v3`/account/whoami`}?access_token=${anna.token}`, { token: null });
  const lines = server.output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const requests = lines.filter(({ msg }) => msg === 'request');
  expect(requests).toContainEqual(
    expect.objectContaining({
      method: 'POST',
      route: '/_matrix/client/v3/login',
      status: 403,
      requestId: expect.any(String),
    }),
  );
  expect(requests.filter(({ route }) => String(route).includes('/send/'))).toEqual([]);
  expect(requests.filter(({ route }) => String(route).includes('/sync'))).toEqual([]);
  expect(server.output).not.toContain(anna.token);
  expect(server.output).not.toContain(passwordOf('anna'));
});
