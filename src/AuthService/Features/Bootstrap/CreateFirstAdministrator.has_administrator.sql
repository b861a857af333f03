-- Does anybody administer this installation?
-- -> has_administrator boolean
SELECT /* Bootstrap/CreateFirstAdministrator.has_administrator */ EXISTS (
    SELECT FROM roles r JOIN user_roles ur ON ur.role_id = r.id JOIN users u ON u.id = ur.user_id
    WHERE  r.name = 'admin' AND u.is_active AND u.deleted_at IS NULL);
