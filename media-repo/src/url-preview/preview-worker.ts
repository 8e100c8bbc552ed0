// The process that looks at links: what it meets there can end this process, and nothing else.
import { systemClock } from '@carillon/platform/clock.ts';
import { answerJobs } from '@carillon/platform/job-processes.ts';
import { createAddressGate } from '@carillon/platform/outbound/address-gate.ts';
import { createOutboundHttp } from '@carillon/platform/outbound/outbound-http.ts';
import { lookAtLink } from './look-at-link.ts';
import type { PreviewFound, PreviewOrder, PreviewSettings } from './preview-job.ts';

const MAX_RESIDENT_BYTES = 500_000_000;

// Written by the process that started this one.
const { allowRanges } = JSON.parse(process.argv[2] ?? '{}') as PreviewSettings;
const http = createOutboundHttp({ gate: createAddressGate(allowRanges), clock: systemClock, verifyTls: true });

answerJobs<PreviewOrder, PreviewFound | null>({ maxResidentBytes: MAX_RESIDENT_BYTES }, (order) =>
  lookAtLink(http, order),
);
