"""The provider's software: keys, documents, and the check of bills. Knows no reading."""
