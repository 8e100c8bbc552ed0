// What is no contract: pages, each a path with its headers and text, served by express; all else is a plain 404.
import type { IncomingMessage, ServerResponse } from 'node:http';
import express from 'express';

export interface Page {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** The fallback of an HTTP server: answers GET and HEAD of the pages. */
export function servePages(pages: readonly Page[]): (request: IncomingMessage, response: ServerResponse) => void {
  const shell = express();
  shell.disable('x-powered-by');
  shell.set('etag', false);
  for (const page of pages) {
    shell.get(page.path, (_request, response) => {
      response.set(page.headers).send(page.text);
    });
  }
  shell.use((_request: express.Request, response: express.Response) => {
    response.status(404).type('text/plain').send('There is nothing here.\n');
  });
  return (request, response) => shell(request, response);
}
