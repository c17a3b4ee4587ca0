"""What testers ask of the local cloud under `/admin/`, where no API of Google's has a path."""
