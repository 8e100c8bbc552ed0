// The page behind the first start's link: one form, no outside resources, nothing that another site could frame or post to.
import { createHash } from 'node:crypto';
import type { Page } from '@carillon/platform/http/pages.ts';
import { SETUP_PATH } from './setup.ts';

const STYLE = `
body { font: 16px/1.5 system-ui, sans-serif; max-width: 26rem; margin: 10vh auto; padding: 0 1rem; color: #1d2433; background: #f6f7fa; }
h1 { font-size: 1.4rem; }
label { display: block; margin: 1rem 0 .25rem; font-weight: 600; }
input { font: inherit; width: 100%; box-sizing: border-box; padding: .5rem; border: 1px solid #8a94a8; border-radius: .4rem; }
button { font: inherit; margin-top: 1.5rem; padding: .6rem 1.2rem; border: 0; border-radius: .4rem; background: #2f5bd0; color: #fff; cursor: pointer; }
button:disabled { opacity: .5; }
#answer { margin-top: 1rem; }
@media (prefers-color-scheme: dark) { body { color: #e6e9f0; background: #171a21; } input { background: #222733; color: inherit; } }
`;

const SCRIPT = `
const form = document.querySelector('form');
const answer = document.querySelector('#answer');
const button = document.querySelector('button');
const token = new URLSearchParams(location.hash.slice(1)).get('token');
history.replaceState(null, '', location.pathname);
if (!token) { answer.textContent = 'This page needs the whole link that the server printed.'; button.disabled = true; }
form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const fields = new FormData(form);
  if (fields.get('password') !== fields.get('again')) { answer.textContent = 'The passwords differ.'; return; }
  button.disabled = true;
  answer.textContent = '';
  try {
    const response = await fetch('/_carillon/v1/setup', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token, username: fields.get('username'), password: fields.get('password') }),
    });
    const body = await response.json();
    if (!response.ok) throw new Error(body.error);
    form.hidden = true;
    answer.textContent = 'Welcome, ' + body.user_id + '. You are the admin: log in with any Matrix client.';
  } catch (error) {
    answer.textContent = error.message;
    button.disabled = false;
  }
});
`;

const HTML = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Carillon: the first account</title>
<style>${STYLE}</style>
<h1>The first account</h1>
<p>This server has no accounts yet. The one you make here will be its admin.</p>
<form>
  <label for="username">User name</label>
  <input id="username" name="username" required autocomplete="username" autocapitalize="none" pattern="[A-Za-z0-9._=\\/+\\-]+">
  <label for="password">Password</label>
  <input id="password" name="password" type="password" required minlength="8" autocomplete="new-password">
  <label for="again">Password again</label>
  <input id="again" name="again" type="password" required minlength="8" autocomplete="new-password">
  <button>Make the account</button>
</form>
<p id="answer" role="status"></p>
<script>${SCRIPT}</script>
</html>
`;

const hashOf = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** What GET of SETUP_PATH answers. */
export const setupPage: Page = {
  path: SETUP_PATH,
  text: HTML,
  headers: {
    'Content-Type': 'text/html; charset=utf-8',
    'Cache-Control': 'no-store',
    'Content-Security-Policy': [
      "default-src 'none'",
      `script-src ${hashOf(SCRIPT)}`,
      `style-src ${hashOf(STYLE)}`,
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
  },
};
