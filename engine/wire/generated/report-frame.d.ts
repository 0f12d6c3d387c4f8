import * as flatbuffers from 'flatbuffers';
import { Refusal } from './refusal.js';
import { Report } from './report.js';
/**
 * Exchange to client, order entry: reports in order of report_no, then refusals.
 */
export declare class ReportFrame {
    bb: flatbuffers.ByteBuffer | null;
    bb_pos: number;
    __init(i: number, bb: flatbuffers.ByteBuffer): ReportFrame;
    static getRootAsReportFrame(bb: flatbuffers.ByteBuffer, obj?: ReportFrame): ReportFrame;
    static getSizePrefixedRootAsReportFrame(bb: flatbuffers.ByteBuffer, obj?: ReportFrame): ReportFrame;
    schemaVersion(): number;
    reports(index: number, obj?: Report): Report | null;
    reportsLength(): number;
    refusals(index: number, obj?: Refusal): Refusal | null;
    refusalsLength(): number;
    static startReportFrame(builder: flatbuffers.Builder): void;
    static addSchemaVersion(builder: flatbuffers.Builder, schemaVersion: number): void;
    static addReports(builder: flatbuffers.Builder, reportsOffset: flatbuffers.Offset): void;
    static startReportsVector(builder: flatbuffers.Builder, numElems: number): void;
    static addRefusals(builder: flatbuffers.Builder, refusalsOffset: flatbuffers.Offset): void;
    static startRefusalsVector(builder: flatbuffers.Builder, numElems: number): void;
    static endReportFrame(builder: flatbuffers.Builder): flatbuffers.Offset;
    static createReportFrame(builder: flatbuffers.Builder, schemaVersion: number, reportsOffset: flatbuffers.Offset, refusalsOffset: flatbuffers.Offset): flatbuffers.Offset;
}
