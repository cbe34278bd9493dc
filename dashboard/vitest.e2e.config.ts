// The real binary, driven in a real browser: the end-to-end tests, and with `--mode screenshots` the pictures of the
// documentation.
import { defineConfig } from 'vitest/config';

export default defineConfig(({ mode }) => ({
  test: {
    include: [mode === 'screenshots' ? 'e2e/screenshots.ts' : 'e2e/**/*.e2e.ts'],
    // One demo at a time: two cores.
    fileParallelism: false,
    // What a test of one sitting leaves undone, the next cannot go on with.
    bail: 1,
    testTimeout: mode === 'screenshots' ? 600_000 : 150_000,
    hookTimeout: 120_000,
  },
}));
