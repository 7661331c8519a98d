/** Hides Node's warning that Ed25519 is experimental (Node 20 before 20.16). Prints all other warnings as Node does. */
export function hideEd25519Warning(): void {
  const printers = process.listeners('warning');
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    if (warning.name === 'ExperimentalWarning' && warning.message.includes('Ed25519')) return;
    for (const print of printers) print(warning);
  });
}
