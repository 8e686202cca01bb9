// read
// label, properties, status: of every constraint
CALL db.constraints() YIELD label, properties, status RETURN label, properties, status
