"""The stream itself: is it live, over which links, and what its programs say."""
