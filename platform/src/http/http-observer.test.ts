import { describe, expect, it } from 'vitest';
import { createMetrics } from '../observe/metrics.ts';
import { memoryLogger } from '../testing/memory-logger.ts';
import { type EndedRequest, logRequest, measureHttp } from './http-observer.ts';

const request: EndedRequest = {
  method: 'GET',
  route: '/_matrix/client/v3/rooms/{roomId}/state',
  status: 200,
  ms: 12.4,
  requestId: 'boot-1',
  userId: '@a:hs',
  isAudited: false,
  waits: false,
};

const levelOf = (more: Partial<EndedRequest>) => {
  const logger = memoryLogger();
  logRequest(logger, { ...request, ...more });
  return logger.records.map(({ level }) => level);
};

describe('the line of a request', () => {
  it('is at level info for faults, what is slow, logins and what admins do, and at debug for the rest', () => {
    expect(levelOf({})).toEqual(['debug']);
    expect(levelOf({ status: 404 })).toEqual(['debug']);
    expect(levelOf({ status: 429 })).toEqual(['debug']);
    expect(levelOf({ status: 500 })).toEqual(['info']);
    expect(levelOf({ status: 503 })).toEqual(['info']);
    expect(levelOf({ ms: 1_001 })).toEqual(['info']);
    expect(levelOf({ isAudited: true })).toEqual(['info']);
    expect(levelOf({ ms: 30_000, waits: true })).toEqual(['debug']);
  });

  it('has the request id, the route, the status, the time and the user', () => {
    const logger = memoryLogger();
    logRequest(logger, { ...request, door: 'socket' });
    const { route, method, status, requestId, userId } = request;
    expect(logger.records[0]?.fields).toEqual({ route, method, status, requestId, userId, ms: 12, door: 'socket' });
  });
});

describe('requests in the metrics', () => {
  it('are counted by method, route and status, and while they run', async () => {
    const metrics = createMetrics();
    const observer = measureHttp(metrics);
    for (let count = 0; count < 3; count++) observer.started();
    observer.ended(request);
    observer.ended({ ...request, method: 'BREW', status: 405, route: 'unknown' });
    const { text } = await metrics.render();
    expect(text).toContain('carillon_http_requests_in_flight 1\n');
    const labels = `method="GET",route="${request.route}",status="200"`;
    expect(text).toContain(`carillon_http_request_duration_seconds_count{${labels}} 1\n`);
    expect(text).toContain(`carillon_http_request_duration_seconds_bucket{le="0.025",${labels}} 1\n`);
    expect(text).toContain(`carillon_http_request_duration_seconds_bucket{le="0.01",${labels}} 0\n`);
    expect(text).toContain('_count{method="other",route="unknown",status="405"} 1\n');
  });
});
