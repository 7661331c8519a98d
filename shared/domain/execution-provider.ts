/** What onnxruntime can run networks on. */
export const executionProviders = ['cpu', 'webgpu', 'cuda'] as const;

export type ExecutionProvider = (typeof executionProviders)[number];

/**
 * Network threads at most.
 *
 * [Note: One thread for a graphics card]
 * The sessions of WebGPU share one device, and two that run at once end the process
 * (https://github.com/microsoft/onnxruntime/issues/32561). CUDA's may run beside each other; each thread keeps its own copy of the
 * networks in the card's memory.
 */
export const mostThreads: Readonly<Record<ExecutionProvider, number>> = { cpu: 64, webgpu: 1, cuda: 64 };
