import { allocatorIsSet, launch } from './start/launch.ts';

/** `npm start`: runs the whole platform in one process. On Linux a parent process starts it, to save memory. See: [Note: The allocator] */
async function main(): Promise<void> {
  if (!allocatorIsSet(process.env)) process.exitCode = await launch();
  else await (await import('./start/platform.ts')).startPlatform();
}

main().catch((error: unknown) => {
  process.stderr.write(`FreeFace did not start: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
