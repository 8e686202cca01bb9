// write
// The owner; a time that is not given goes.
MERGE (u:User {id: 'user-1'})
ON CREATE SET u.createdAt = localdatetime($at)
SET u.phoneNumber = $phoneNumber, u.defaultPersona = $defaultPersona,
    u.sleepHoursStart = $sleepHoursStart, u.sleepHoursEnd = $sleepHoursEnd, u.updatedAt = localdatetime($at)
