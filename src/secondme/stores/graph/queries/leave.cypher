// write
UNWIND $contacts AS id
MATCH (:Contact {id: id})-[m:MEMBER_OF]->(:Group {id: $group})
DELETE m
