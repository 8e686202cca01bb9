// write
// The owner; a time that is not given goes.
MERGE (u:User {id: 'user-1'})
SET u.phoneNumber = $phoneNumber, u.defaultPersona = $defaultPersona,
    u.sleepHoursStart = $sleepHoursStart, u.sleepHoursEnd = $sleepHoursEnd,
    u.createdAt = COALESCE(u.createdAt, localdatetime($at)), u.updatedAt = localdatetime($at)
