// A stand-in that does not end when asked to.
process.on('SIGTERM', () => undefined);
setInterval(() => undefined, 1_000);
process.stdout.write('stubborn\n');
process.send?.('ready');
