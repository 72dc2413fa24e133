export { CATEGORIES, type Category } from './categories.js';
export { type ColumnDetector, createColumnDetector, type Utf8Column } from './column-detector.js';
export { type DetectionMode, type Finding, type JudgedColumns, judgeColumns } from './verdict.js';
