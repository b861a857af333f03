-- A statement of ours, as the driver prepares it. The marked places are filled with it and the types its header names.
PREPARE /* Explaining/ExplainStatement.prepare */ explained/*types:*//*:types*/ AS /*statement:*/SELECT 1/*:statement*/;
