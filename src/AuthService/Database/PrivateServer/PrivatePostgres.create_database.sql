-- Only run on a cluster that was just made, or whose making was cut short before this.
CREATE /* Database/PrivatePostgres.create_database */ DATABASE authservice;
