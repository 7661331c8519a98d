import type { CaptureTime } from '../domain/capture-time.ts';
import type { Location, QualityReason } from '../domain/face.ts';
import type { CallContext } from '../function/define.ts';
import type { ExtractedFace, ModelIdentity, PackDescription } from '../ports/extractor.ts';
import type { Ports } from '../ports/index.ts';
import type { JsonObject } from '../ports/json.ts';
import type { Face, NewFace } from '../ports/records/faces.ts';
import type { Consent } from '../ports/records/persons.ts';
import type { ImageBlob } from './image-blob.ts';
import type { TenantRules } from './tenant-rules.ts';

export interface EnrolmentRequest {
  readonly image: Uint8Array;
  /** The person in the photo; created if absent from the gallery. null: no person is named. */
  readonly person: PersonClaim | null;
  readonly autoAssociate: boolean;
  readonly multiFace: boolean;
  /** Faces with a lower quality score are rejected, 0..1. */
  readonly qualityThreshold: number;
  readonly rejectNearDuplicates: boolean;
  /** Milliseconds since the epoch; null: taken from the photo's EXIF. */
  readonly capturedAt: number | null;
  readonly location: Location | null;
  readonly sourceId: string | null;
  readonly pack: string | undefined;
  /** The job that this enrolment belongs to. Nothing is saved once that job has finished. */
  readonly jobId?: string | undefined;
}

/** Needs at least one id. The other fields describe a new person; an existing person keeps its own. */
export interface PersonClaim {
  readonly personId: string | undefined;
  readonly externalId: string | undefined;
  readonly name: string | undefined;
  readonly metadata: JsonObject | undefined;
  readonly consent: Consent | undefined;
}

export type EnrolmentPorts = Pick<Ports, 'records' | 'vectors' | 'images' | 'extractor' | 'accounts'>;

/** An enrolment before the photo is examined. */
export interface RequestedEnrolment {
  readonly request: EnrolmentRequest;
  /** SHA-256 of the image's bytes, hex. */
  readonly digest: string;
  readonly rules: TenantRules;
  readonly call: CallContext;
  readonly ports: Pick<Ports, 'records'>;
}

/** An enrolment in progress: the request, and everything that the steps share. */
export interface Enrolment extends RequestedEnrolment {
  readonly pack: PackDescription;
  readonly blob: ImageBlob;
  readonly ports: EnrolmentPorts;
}

/** A face that is good enough, and its template. */
export interface AcceptedFace {
  readonly face: NewFace;
  readonly embedding: Float32Array;
}

export interface RejectedFace {
  readonly face: ExtractedFace;
  readonly reasons: readonly QualityReason[];
}

export interface EnrolmentResult {
  readonly faces: readonly { face: Face; created: boolean }[];
  readonly imageId: string;
  readonly captured: CaptureTime;
  readonly rejected: readonly RejectedFace[];
  /** Number of faces that were ignored because the request asks for one face. */
  readonly leftOut: number;
  /** Number of smaller faces of a crowd that were not processed. See: Extraction */
  readonly beyondLimit: number;
  /** Number of faces that were not stored because no consent is known for them. */
  readonly withoutConsent: number;
  readonly model: ModelIdentity;
  /** Removes everything that this enrolment created. */
  takeBack(): Promise<void>;
}
