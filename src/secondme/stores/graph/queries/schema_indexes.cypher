// read
// label, types by property, options by property: of every label that has an index
CALL db.indexes() YIELD label, types, options RETURN label, types, options
