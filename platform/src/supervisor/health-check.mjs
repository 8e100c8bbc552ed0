// Asks this machine's server whether it is well, for the image's HEALTHCHECK; exits with 0 or 1.
const TIMEOUT_MS = 4_000;
const PATHS = ['/health/live', '/_matrix/client/versions'];

const listen = process.env.CARILLON_LISTEN__CLIENT || '127.0.0.1:8008';
const address = listen.replace(/^0\.0\.0\.0:/, '127.0.0.1:').replace(/^\[::\]:/, '[::1]:');

try {
  process.exitCode = (await answers(PATHS)) ? 0 : 1;
} catch (error) {
  console.error(`the server at ${address} does not answer: ${error.cause?.code ?? error.message}`);
  process.exitCode = 1;
}

/** True if the first path that the server knows is answered with success. */
async function answers([path, ...others]) {
  const response = await fetch(`http://${address}${path}`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (response.status === 404 && others.length > 0) return answers(others);
  if (!response.ok) console.error(`${path} is answered with ${response.status}`);
  return response.ok;
}
