"""Parts of the HTTP face: reading requests safely, knowing the caller, answering in one form, describing itself."""
