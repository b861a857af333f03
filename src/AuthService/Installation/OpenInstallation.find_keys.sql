-- Does the database already hold something that only one master key opens?
-- -> has_keys boolean
SELECT /* Installation/OpenInstallation.find_keys */ EXISTS (SELECT FROM signing_keys);
