import { CloudEvent } from 'cloudevents';
import { AppError } from '../../shared/errors.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import type { Event } from '../../shared/ports/events.ts';
import type { Extraction, ExtractOptions } from '../../shared/ports/extractor.ts';

/**
 * The request event has an image as its raw body. The reply event has the faces of the image. Extension attributes of the request:
 * `pack` names the model pack; `purpose` is `probe` or `template`; `embed` with the value `false` skips the embeddings.
 * Embeddings are base64 of little-endian float32. They never leave the platform.
 */
export default defineFunction(
  {
    name: 'extract-faces',
    summary: 'Find the faces in an image and compute their embeddings',
    trigger: { kind: 'event', type: 'freeface.image.extract.v1', topic: null },
    uses: ['extractor'],
    emits: ['freeface.image.extracted.v1'],
    ...sizes.vision,
  },
  async ({ event, bytes, signal, clock, newId, traceparent }, { extractor }) => {
    if (bytes === undefined) throw new AppError('IMAGE_MISSING', { message: 'The event has no image bytes.' });
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

/** In binary mode, event attributes are text. In structured mode (JSON) they keep their JSON type. */
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
