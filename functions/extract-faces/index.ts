import { CloudEvent } from 'cloudevents';
import { AppError } from '../../shared/errors.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import type { Event } from '../../shared/ports/events.ts';
import type { Extraction, ExtractOptions } from '../../shared/ports/extractor.ts';

/**
 * Request and reply: an image as the raw body of an event, its faces as the event that answers. Extensions say what is wanted: `pack`
 * names the model pack, `purpose` is `probe` or `template`, `embed` `false` finds faces only. Embeddings travel as base64 of little-endian float32; they never leave the platform.
 */
export default defineFunction(
  {
    name: 'extract-faces',
    summary: 'Find and embed the faces of an image',
    trigger: { kind: 'event', type: 'freeface.image.extract.v1', topic: null },
    uses: ['extractor'],
    emits: ['freeface.image.extracted.v1'],
    ...sizes.vision,
  },
  async ({ event, bytes, signal, clock, newId, traceparent }, { extractor }) => {
    if (bytes === undefined) throw new AppError('IMAGE_MISSING', { message: 'The event carries no image bytes.' });
    const extraction = await extractor.extract(bytes, { ...wanted(event), signal });
    return new CloudEvent({
      id: newId(),
      type: 'freeface.image.extracted.v1',
      source: '/freeface',
      subject: event.id,
      time: new Date(clock.now()).toISOString(),
      datacontenttype: 'application/json',
      traceparent,
      data: serialised(extraction),
    }) as Event;
  },
);

/** Attributes of an event are text, or what they were when it came as JSON. */
function wanted({ pack, purpose, embed }: Event): Pick<ExtractOptions, 'pack' | 'purpose' | 'embed'> {
  return {
    pack: typeof pack === 'string' ? pack : undefined,
    purpose: purpose === 'template' ? 'template' : 'probe',
    embed: String(embed ?? true) !== 'false',
  };
}

const serialised = ({ faces, ...rest }: Extraction) => ({
  ...rest,
  faces: faces.map(({ embedding, ...face }) => ({
    ...face,
    embedding:
      embedding && Buffer.from(embedding.buffer, embedding.byteOffset, embedding.byteLength).toString('base64'),
  })),
});
